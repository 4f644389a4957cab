import Platform

/// Reads the body of `POST /v1/chat/completions` and refuses what OpenAI would refuse.
///
/// Names and ranges: package `openai`, `types/chat/completion_create_params.py`.
struct ChatRequest {
    var prompt: ChatPrompt
    var isStreaming = false
    var includesUsage = false
    var choices = 1

    private static let parameters: Set<String> = [
        "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction",
        "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format",
        "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
        "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    ]

    init(_ body: JSON) throws(OpenAIError) {
        guard body.object != nil else { throw .notJSON }
        let root = RequestField(value: body, path: "")
        try root.allow(Self.parameters)
        guard let model = root.member("model") else { throw OpenAIError("you must provide a model parameter") }
        prompt = ChatPrompt(model: try model.string(), messages: try ChatMessages.read(root.required("messages")))
        try Self.checkSampling(root)
        try readStreaming(root)
        try readTools(root)
        try readResponseFormat(root)
    }

    private static func checkSampling(_ root: RequestField) throws(OpenAIError) {
        try root.member("temperature")?.number(in: 0...2)
        try root.member("top_p")?.number(in: 0...1)
        try root.member("frequency_penalty")?.number(in: -2...2)
        try root.member("presence_penalty")?.number(in: -2...2)
        try root.member("max_tokens")?.integer(in: 1...1_000_000)
        try root.member("max_completion_tokens")?.integer(in: 1...1_000_000)
        try root.member("seed")?.integer(in: .min...(.max))
        _ = try root.member("user")?.string()
        _ = try root.member("metadata")?.object()
        guard root.member("max_tokens") == nil || root.member("max_completion_tokens") == nil else {
            throw OpenAIError(
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                param: "max_tokens", code: "invalid_parameter_combination")
        }
    }

    private mutating func readStreaming(_ root: RequestField) throws(OpenAIError) {
        isStreaming = try root.member("stream")?.bool() ?? false
        choices = try root.member("n")?.integer(in: 1...128) ?? 1
        guard let options = root.member("stream_options") else { return }
        guard isStreaming else {
            throw OpenAIError(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: "stream_options")
        }
        try options.allow(["include_usage", "include_obfuscation"])
        includesUsage = try options.member("include_usage")?.bool() ?? false
    }

    private mutating func readTools(_ root: RequestField) throws(OpenAIError) {
        if let tools = root.member("tools") { prompt.tools = try ChatTools.read(tools) }
        for name in ["tool_choice", "parallel_tool_calls"] where root.member(name) != nil && prompt.tools.isEmpty {
            throw OpenAIError(
                "Invalid value for '\(name)': '\(name)' is only allowed when 'tools' are specified.", param: name)
        }
        _ = try root.member("parallel_tool_calls")?.bool()
        if let choice = root.member("tool_choice") {
            prompt.toolChoice = try ChatTools.choice(choice, of: prompt.tools)
        }
    }

    private mutating func readResponseFormat(_ root: RequestField) throws(OpenAIError) {
        guard let format = root.member("response_format") else { return }
        switch try format.required("type").string(oneOf: ["text", "json_object", "json_schema"]) {
        case "json_object":
            let mentionsJSON = prompt.messages.contains { $0.text?.lowercased().contains("json") == true }
            guard mentionsJSON else {
                throw OpenAIError(
                    "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                        + "'json_object'.", param: "messages")
            }
            prompt.wantsJSON = true
        case "json_schema": prompt.responseSchema = try StructuredFormat.schema(format.required("json_schema"))
        default: break
        }
    }
}
