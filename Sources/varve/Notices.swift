import CommitLog

/// Prints what the log did on its own, such as cutting a damaged end.
func printNotices(_ notices: LogNotices) {
  for notice in notices.take() { writeError("varve: \(notice)") }
}
