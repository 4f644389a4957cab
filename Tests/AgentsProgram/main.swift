import Agents
import HTTP
import Platform

struct Question: Decodable {
    var city: String
}

let weather = try FunctionTool("weather", "The weather of a city.", taking: Question.self) { question in
    ["city": question.city, "sky": "clear"]
}

// The variables of the process, and those of a file .env beside it.
let environment = try Environment.load()
let logger = Logger(label: "weather", level: .warning)
// One for the whole process: it has a thread of its own, and keeps connections.
let client = HTTPClient(logger: logger)

var server = OpenAIModel.Configuration(model: "gpt-4o-mini", apiKey: environment["OPENAI_API_KEY"])
server.baseURL = environment["OPENAI_BASE_URL"] ?? server.baseURL
let model = OpenAIModel(server, client: client)

let agent = try ChatAgent(model: model, AgentConfiguration(instructions: "Be brief."), logger: logger)
try await agent.registerTool(weather)
print(try await agent.send("Will it rain in Lisbon?"))
await client.shutDown()
