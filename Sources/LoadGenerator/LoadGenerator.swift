// LoadGenerator: the laboratory.
//
// Belongs here: suites and their plans, trials and the state that they start from, targets to load,
// recorders, statistics, results and the environment beside them; events from files. Does not: any
// backend or transfer path by type: the executable says which there are.
