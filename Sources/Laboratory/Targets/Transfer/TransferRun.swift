import LinuxIO
import Measurements
import Suites

/// The measured part that every transfer has: a thread that sends, one that receives, and the sum.
struct TransferRun {
  let network: TransferNetwork
  let parameters: TrialParameters
  let stop: StopFlag
  var wake: WakeSignal?

  /// Runs both threads to their end, and `meanwhile` in this one.
  func run(
    _ recorder: TrialRecorder, meanwhile: () throws -> Void = {},
    _ makeSenders: @escaping @Sendable () throws -> [any ByteSender]
  ) throws -> TrialCounts {
    let receiver = TransferReceiver(sockets: network.receivers, mode: parameters.receiver)
    let receiving = try WorkerThread { receiver.run() }
    let loop = SendLoop(
      sockets: network.senders, stop: stop, wake: wake, trialStart: recorder.start)
    let sending: WorkerThread<SendLoop.Outcome>
    do { sending = try WorkerThread { loop.run(makeSenders) } } catch {
      for socket in network.senders { socket.reset() }
      _ = receiving.join()
      throw error
    }
    let other = Result { try meanwhile() }
    wake?.end()
    guard let sent = sending.join(), let received = receiving.join() else {
      throw SystemCallError(.pthreadCreate, .inputOutput, path: "transfer")
    }
    try other.get()
    // Who failed first reset the other's connections: that reset is not the cause.
    if let error = received.error, !error.number.meansPeerIsGone { throw error }
    if let error = sent.error ?? received.error { throw error }
    let isWhole = parameters.reading == .whole
    let planned = isWhole ? parameters.plannedBytes : sent.bytes
    guard received.bytes == sent.bytes, sent.bytes == planned else {
      throw TransferMismatch(planned: planned, sent: sent.bytes, received: received.bytes)
    }
    recorder.add(.service, sent.times)
    var counts = TrialCounts(records: nil, bytes: sent.bytes)
    counts.transfer = TransferCost(
      sender: sent.usage, receiver: received.usage, zeroCopySends: sent.zeroCopies?.sends,
      zeroCopyFallbacks: sent.zeroCopies?.copied)
    return counts
  }
}

/// Bytes were lost or made up between the two ends.
struct TransferMismatch: Error, CustomStringConvertible {
  let planned: Int64
  let sent: Int64
  let received: Int64
  var description: String {
    "of \(planned) bytes \(sent) were sent and \(received) received"
  }
}
