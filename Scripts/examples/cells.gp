# One metric by cell, with intervals, from cells.csv, by gnuplot 5.4 (Debian: gnuplot-nox).
#
#   gnuplot -c Scripts/examples/cells.gp Results/2026-11-29-vm-quick/cells.csv durable_mb_per_s cells.svg

if (ARGC != 3) { print "Usage: gnuplot -c cells.gp CELLS.csv METRIC OUT.svg"; exit status 2 }

set datafile separator comma
# Of a percentile there is also one of all records together, which has no interval.
is_wanted(metric, of) = metric eq ARG2 && of eq "median of trials"

count = 0
stats ARG1 using (is_wanted(strcol("metric"), strcol("of")) ? (count = count + 1, 1) : NaN) nooutput
if (count == 0) { print ARG1 . ": no cell has the metric " . ARG2; exit status 1 }

set terminal svg size 900, 130 + 22 * count font "DejaVu Sans,11" background rgb "white"
set output ARG3
set logscale x
set xlabel ARG2 . " (log scale): medians of trials with their intervals" noenhanced
set yrange [count + 0.7 : 0.3]
set grid x
set ytics font ",8" noenhanced
set key off

place = 0
plot ARG1 using (is_wanted(strcol("metric"), strcol("of")) ? column("value") : NaN) \
  : (is_wanted(strcol("metric"), strcol("of")) ? (place = place + 1, place) : NaN) \
  : (strcol("low") eq "" ? column("value") : column("low")) \
  : (strcol("high") eq "" ? column("value") : column("high")) \
  : ytic(strcol("cell") . " " . strcol("label")) \
  with xerrorbars pointtype 7 pointsize 0.6 linewidth 1.5 linecolor rgb "#0072b2"
