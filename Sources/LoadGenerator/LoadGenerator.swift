// LoadGenerator: the laboratory.
//
// Belongs here: suites and their plans (Suites), trials and the state that they start from (Trials),
// targets (Targets), producers and consumers that load them (Load), statistics (Statistics), results
// and the environment beside them (Results); events from files (Events). Does not: any
// backend or transfer path by type: the executable says which there are.
