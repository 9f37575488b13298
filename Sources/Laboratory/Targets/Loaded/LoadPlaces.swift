import LinuxIO
import Suites

/// Where the threads of a trial run.
struct LoadPlaces: Sendable {
  let producers: Placement
  let consumers: Placement
  let log: Placement

  /// Throws `TrialSkipped`, with what there is, where the machine does not have one.
  init(_ parameters: TrialParameters) throws {
    let topology = try ProcessorTopology.current()
    func place(_ key: ParameterKey, _ text: String) throws -> Placement {
      do { return try Placement(parsing: text, on: topology) } catch {
        throw TrialSkipped("\(key.rawValue) '\(text)': \(error)")
      }
    }
    producers = try place(.placeProducers, parameters.placeProducers)
    consumers = try place(.placeConsumers, parameters.placeConsumers)
    log = try place(.placeLog, parameters.placeLog)
  }
}
