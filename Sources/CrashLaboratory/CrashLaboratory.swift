// CrashLaboratory: what a power cut, or the end of a process, leaves of a log.
//
// Belongs here: random histories over the shipping log and backends on a simulated disk, the model
// that says what must be there afterwards, the reduction of a history that fails, and the tally from
// which `survives` statements are made. Does not: a way to make the product fail (that is the
// simulated disk's), wrong variants of the product (Tests/Mutants), files or clocks of this machine.
//
// ```
//   seed ─ HistoryGenerator ─> History (setup, steps)
//                                 │
//                            HistoryRun ── LogDirectory over backends ── SimulatedDisk
//                                 │  └─ PartitionModel: what must be there
//                 Verdict: holds, or a Violation ─ Reduction ─> the shortest history that fails
//                                 │
//                  Campaign: many seeds ─> SurvivalTable: what each backend and durability keeps
// ```
