import Foundation

/// How long the tests against the model go on, and where they begin.
enum ModelForm {
    private static let environment = ProcessInfo.processInfo.environment

    static let minutes = environment["OPERADORA_MODEL_MINUTES"].flatMap(Int.init) ?? 0
    static var isLong: Bool { minutes > 0 }
    /// OPERADORA_MODEL_SEED repeats what a failure has printed.
    static let firstSeed = environment["OPERADORA_MODEL_SEED"].flatMap(UInt64.init) ?? 1
    /// Of the random histories.
    static let seeds = firstSeed..<firstSeed + UInt64(isLong ? minutes * 10 : 10)
}
