// SimulatedStorage: a disk that fails on purpose, deterministic from a seed.
//
// Belongs here: `SimulatedDisk`, its `FileIO` and its ring, power cuts and faults, and `DeferredBackend`, which
// makes any backend complete late and out of order. Does not: a second implementation of anything
// that ships; the shipping backends and log run on this.
