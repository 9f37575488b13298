import Wording

extension BrokerSettings {
  /// This broker's settings, as any admin client reads them. All are read only: they are read at the
  /// start.
  func shownConfigs() -> [ShownConfig] {
    let builtIn = Dictionary(
      uniqueKeysWithValues: BrokerSettings(backends: [], transfers: []).entries().map {
        ($0.name, $0.value)
      })
    let given = entries().map { entry in
      var synonyms: [ConfigSynonym] = []
      if !entry.source.isDefault {
        synonyms.append(
          ConfigSynonym(name: entry.name, value: entry.value, source: ConfigSource.static))
      }
      synonyms.append(
        ConfigSynonym(
          name: entry.name, value: builtIn[entry.name] ?? "", source: ConfigSource.default))
      return ShownConfig(
        name: entry.name, value: entry.value, synonyms: synonyms, type: entry.type,
        documentation: entry.documentation, isReadOnly: true)
    }
    return given
      + FixedConfig.all.compactMap { config in
        config.brokerName.map { name in
          var shown = ShownConfig(fixed: config, name)
          shown.isReadOnly = true
          return shown
        }
      }
  }
}
