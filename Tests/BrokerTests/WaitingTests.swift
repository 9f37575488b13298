import Broker
import LinuxIO
import Testing

@Suite("Requests that wait")
struct WaitingTests {
  @Test func `are found by their keys until they are removed`() {
    var waiting = Waiting<String, Int>()
    let first = waiting.add(1, keys: ["a", "b"], until: 10)
    let second = waiting.add(2, keys: ["b"], until: 10)
    #expect(waiting.tickets(of: "a") == [first] && waiting.tickets(of: "b") == [first, second])
    #expect(waiting[second] == 2 && waiting.count == 2)
    #expect(waiting.remove(first) == 1 && waiting.remove(first) == nil)
    #expect(waiting.tickets(of: "a").isEmpty && waiting.tickets(of: "b") == [second])
  }

  @Test func `are due once, in the order of their times`() {
    var waiting = Waiting<Int, String>()
    let late = waiting.add("late", keys: [], until: 30)
    let early = waiting.add("early", keys: [], until: 10)
    let gone = waiting.add("gone", keys: [], until: 20)
    #expect(waiting.nextDeadline == 10)
    waiting.remove(gone)
    #expect(waiting.due(at: 9).isEmpty)
    #expect(waiting.due(at: 30) == [early, late])
    #expect(waiting.due(at: 30).isEmpty && waiting.nextDeadline == .max)
    #expect(waiting.count == 2, "whoever is due goes on waiting until it is removed")
  }

  @Test func `agree with a list of them, whatever comes and goes`() {
    for seed in UInt64(1)...20 {
      var random = SeededGenerator(seed: seed)
      var waiting = Waiting<Int, Int>()
      var model: [Int: (keys: Set<Int>, deadline: Int64)] = [:]
      var now: Int64 = 0
      for step in 0..<2000 {
        switch random.below(4) {
        case 0, 1:
          let keys = Set((0..<random.below(4)).map { _ in random.below(10) })
          let deadline = now + Int64(random.below(100_000))
          model[waiting.add(step, keys: Array(keys), until: deadline)] = (keys, deadline)
        case 2:
          if let ticket = model.keys.sorted().first(where: { _ in random.chance(0.3) }) {
            model[ticket] = nil
            #expect(waiting.remove(ticket) != nil)
          }
        default:
          now += Int64(random.below(5000))
          for ticket in waiting.due(at: now) {
            #expect(model[ticket].map { $0.deadline <= now } == true, "seed \(seed), step \(step)")
            waiting.remove(ticket)
            model[ticket] = nil
          }
          #expect(!model.values.contains { $0.deadline <= now }, "seed \(seed), step \(step)")
        }
        let key = random.below(10)
        let expected = Set(model.filter { $0.value.keys.contains(key) }.keys)
        #expect(waiting.tickets(of: key) == expected, "seed \(seed), step \(step)")
      }
    }
  }
}
