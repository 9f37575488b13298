import Statistics
import Testing

struct SteadinessTests {
  @Test func `Four values without slope and far ones are steady`() {
    #expect(Steadiness.isSteady([500, 900, 1000, 1010, 995, 1005]))
    #expect(Steadiness.isSteady([1, 1, 1, 1]))
  }

  @Test(arguments: [
    [1000, 1010, 1005], [800, 900, 1000, 1100], [1000, 1000, 1000, 1300], [1000, 950, 900, 850],
    [0, 0, 0, 0], [],
  ])
  func `Too few values, a slope, or one that is far from the others are not`(values: [Double]) {
    #expect(!Steadiness.isSteady(values))
  }
}
