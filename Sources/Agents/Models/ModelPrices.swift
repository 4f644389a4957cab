/// What tokens of a model cost, per million, in a currency of your choice.
public struct ModelPrice: Sendable, Hashable {
    public var prompt: Double
    public var completion: Double
    /// Of prompt tokens that the server had in its cache; nil is the price of the others.
    public var cachedPrompt: Double?

    public init(prompt: Double, completion: Double, cachedPrompt: Double? = nil) {
        self.prompt = prompt
        self.completion = completion
        self.cachedPrompt = cachedPrompt
    }

    public func cost(of usage: ModelUsage) -> Double {
        let cached = Double(min(usage.cachedPromptTokens, usage.promptTokens))
        let fresh = Double(usage.promptTokens) - cached
        return (fresh * prompt + cached * (cachedPrompt ?? prompt) + Double(usage.completionTokens) * completion)
            / 1_000_000
    }
}

/// Prices by the names of models. A dated name, such as `gpt-4o-mini-2024-07-18`, has the price of the longest name that it
/// begins with.
public struct ModelPrices: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public var byModel: [String: ModelPrice]

    public init(_ byModel: [String: ModelPrice] = [:]) { self.byModel = byModel }

    public init(dictionaryLiteral elements: (String, ModelPrice)...) {
        byModel = Dictionary(elements) { $1 }
    }

    /// Nil when the model has no price.
    public subscript(model: String) -> ModelPrice? {
        byModel[model]
            ?? byModel.filter { model.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }
}
