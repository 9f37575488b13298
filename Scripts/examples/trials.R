# Throughput by cell with the spread of its trials, in base R (Debian: r-base-core).
#
#   Rscript Scripts/examples/trials.R Results/2026-11-21-vm-storage/trials.csv throughput.svg
#
# Writes SVG, or PNG where the name ends so. A cell is a trial's name without its block: c27-b1 is
# of c27.

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) {
  message("Usage: trials.R TRIALS.csv OUT.svg")
  quit(status = 2)
}
trials <- read.csv(arguments[1], check.names = FALSE, na.strings = "", colClasses = "character")
trials$mb_per_s <- as.numeric(trials$mb_per_s)
# Skipped and failed trials have no numbers: they are left out, never counted as zero.
trials <- trials[trials$status %in% c("ok", "saturated") & !is.na(trials$mb_per_s), ]
if (nrow(trials) == 0) stop(arguments[1], ": no trial has a throughput", call. = FALSE)
trials$cell <- sub("-b[0-9]+$", "", trials$trial_id)

# A label of those parameters only in which the cells differ.
parameters <- intersect(
  c("target", "backend", "transfer", "durability", "queue_depth", "preallocation", "payload",
    "record_bytes", "batch_bytes", "partitions", "call_bytes", "connections",
    "offered_records_per_s"), names(trials))
telling <- Filter(function(name) length(unique(trials[[name]])) > 1, parameters)
label <- function(rows) {
  values <- unlist(rows[1, telling, drop = FALSE])
  paste(c(rows$cell[1], values[!is.na(values)]), collapse = " ")
}
cells <- split(trials, trials$cell)
cells <- cells[order(sapply(cells, function(rows) median(rows$mb_per_s)))]
labels <- sapply(cells, label)

height <- 1.6 + 0.25 * length(cells)
if (grepl("\\.png$", arguments[2])) {
  png(arguments[2], width = 9, height = height, units = "in", res = 110)
} else {
  svg(arguments[2], width = 9, height = height)
}
margin <- min(24, 2 + 0.42 * max(nchar(labels)))
par(mar = c(4.2, margin, 1.5, 1), las = 1, cex.axis = 0.75, yaxs = "i")
plot(NULL, xlim = range(trials$mb_per_s), ylim = c(0.3, length(cells) + 0.7), log = "x", yaxt = "n",
     xlab = "", ylab = "")
title(xlab = "Throughput (MB/s, log scale): rings are trials, diamonds their medians", adj = 1)
abline(v = axTicks(1), col = "grey88")
axis(2, at = seq_along(cells), labels = labels, tick = FALSE)
for (place in seq_along(cells)) {
  values <- cells[[place]]$mb_per_s
  segments(min(values), place, max(values), place, col = "#8A8A8A", lwd = 2)
  points(values, rep(place, length(values)), col = "#0072B2")
  points(median(values), place, pch = 18, col = "#D55E00", cex = 1.4)
}
invisible(dev.off())
