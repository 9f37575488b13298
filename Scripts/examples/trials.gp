# Throughput by cell with the spread of its trials, by gnuplot 5.4 (Debian: gnuplot-nox).
#
#   gnuplot -c Scripts/examples/trials.gp Results/2026-11-21-vm-storage/trials.csv throughput.svg
#
# Writes SVG, or PNG where the name ends so. A cell is a trial's name without its block: c27-b1 is
# of c27. Gnuplot knows no groups: each cell's trials are rings on its line, in the order in which
# cells first ran.

if (ARGC != 2) { print "Usage: gnuplot -c trials.gp TRIALS.csv OUT.svg"; exit status 2 }

set datafile separator comma
set datafile missing ""

# Skipped and failed trials have no numbers: they are left out, never counted as zero.
is_measured(status) = status eq "ok" || status eq "saturated"
cell(trial) = trial[1 : strstrt(trial, "-b") - 1]
text(name) = strlen(name) > 0 ? " " . name : ""
label(trial, a, b, c, d, e, f) = \
  cell(trial) . text(a) . text(b) . text(c) . text(d) . text(e) . text(f)

# A first pass over the rows collects the cells that have numbers, each once.
cells = ""
is_new(name) = strstrt(cells . " ", " " . name . " ") == 0
stats ARG1 using (is_measured(strcol("status")) && is_new(cell(strcol("trial_id"))) \
  ? (cells = cells . " " . cell(strcol("trial_id")), 1) : NaN) nooutput
count = words(cells)
if (count == 0) { print ARG1 . ": no trial has a throughput"; exit status 1 }

place(name) = sum [i = 1 : count] (word(cells, i) eq name ? i : 0)
height = 130 + 20 * count
if (strlen(ARG2) > 4 && ARG2[strlen(ARG2) - 3 : ] eq ".png") {
  set terminal pngcairo size 900, height font "DejaVu Sans,9" background rgb "white"
} else {
  set terminal svg size 900, height font "DejaVu Sans,11" background rgb "white"
}
set output ARG2

set logscale x
set xlabel "Throughput (MB/s, log scale): rings are trials"
set yrange [count + 0.7 : 0.3]
set grid x linecolor rgb "#d0d0d0" linetype 1
set border 3
set tics nomirror
set ytics font ",8"
set key off

plot ARG1 using (is_measured(strcol("status")) ? column("mb_per_s") : NaN) \
  : (place(cell(strcol("trial_id")))) \
  : ytic(label(strcol("trial_id"), strcol("target"), strcol("backend"), strcol("durability"), \
      strcol("preallocation"), strcol("batch_bytes"), strcol("partitions"))) \
  with points pointtype 6 pointsize 0.8 linewidth 1.5 linecolor rgb "#0072b2"
