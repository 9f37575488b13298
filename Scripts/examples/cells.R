# One metric by cell, with intervals, from cells.csv, in base R (Debian: r-base-core).
#
#   Rscript Scripts/examples/cells.R Results/2026-11-29-vm-quick/cells.csv durable_mb_per_s cells.svg

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 3) {
  message("Usage: cells.R CELLS.csv METRIC OUT.svg")
  quit(status = 2)
}
cells <- read.csv(arguments[1])
# Of a percentile there is also one of all records together, which has no interval.
cells <- cells[cells$metric == arguments[2] & cells$of == "median of trials", ]
if (nrow(cells) == 0) stop(arguments[1], ": no cell has the metric ", arguments[2], call. = FALSE)
cells$low <- ifelse(is.na(cells$low), cells$value, cells$low)
cells$high <- ifelse(is.na(cells$high), cells$value, cells$high)

labels <- paste(cells$cell, cells$label)
places <- rev(seq_len(nrow(cells)))
svg(arguments[3], width = 9, height = 1.6 + 0.25 * nrow(cells))
par(mar = c(4.2, min(24, 2 + 0.42 * max(nchar(labels))), 1, 1), las = 1, cex.axis = 0.75)
plot(cells$value, places, log = "x", xlim = range(cells$low, cells$high), pch = 16, yaxt = "n",
     xlab = paste(arguments[2], "(log scale): medians of trials with their intervals"), ylab = "")
segments(cells$low, places, cells$high, places)
axis(2, at = places, labels = labels, tick = FALSE)
invisible(dev.off())
