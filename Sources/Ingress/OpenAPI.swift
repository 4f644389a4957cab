import Platform

/// `/openapi.json`: OpenAPI 3.1 of what is under `/webhooks` and `/api`.
enum OpenAPI {
    static func document(publicURL: String) -> JSON {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Operadora", "version": "1",
                "description":
                    "Webhooks that telephone providers call, and the API. A 2xx to a webhook means that the event is committed.",
            ],
            "servers": [["url": .string(publicURL)]],
            "paths": .object([
                Route.voice.rawValue: [
                    "post": operation(
                        "voice", "A call was answered, or somebody calls us: what to say first.", voiceParameters,
                        gatherFields, twiML)
                ],
                Route.turn.rawValue: [
                    "post": operation(
                        "turn", "The caller spoke, or stayed silent: what to say next.",
                        [query("call", callID, isRequired: true), query("turn", turnNumber, isRequired: true)]
                            + carried, gatherFields, twiML)
                ],
                Route.transfer.rawValue: [
                    "post": operation(
                        "transfer", "A caller was put through to a person, or nobody answered: what comes then.",
                        [query("call", callID, isRequired: true), carried[0]], transferFields, twiML)
                ],
                Route.status.rawValue: [
                    "post": operation(
                        "status", "The status of a call has changed.", [query("call", callID)], statusFields,
                        ["204": ["description": "The event is committed."], "404": problem("There is no such call.")])
                ],
                Route.executeTool.rawValue: ["post": executeTool],
            ]),
            "components": [
                "schemas": ["Problem": problemSchema],
                "securitySchemes": [
                    "twilioSignature": ["type": "apiKey", "in": "header", "name": "X-Twilio-Signature"],
                    "token": ["type": "http", "scheme": "bearer"],
                ],
            ],
        ]
    }

    private static func operation(
        _ id: String, _ summary: String, _ parameters: [JSON], _ fields: JSON, _ responses: [String: JSON]
    ) -> JSON {
        let refusals: [String: JSON] = [
            "400": problem("The body is not a form."), "403": problem("The signature is missing or wrong."),
            "413": ["description": "The body is too large."], "422": problem("A field is missing or wrong."),
            "503": problem("Nothing was committed; send it again."),
        ]
        return [
            "operationId": .string("twilio_\(id)"), "summary": .string(summary),
            "security": [["twilioSignature": []]], "parameters": .array(parameters),
            "requestBody": [
                "required": true, "content": ["application/x-www-form-urlencoded": ["schema": fields]],
            ],
            "responses": .object(refusals.merging(responses) { _, own in own }),
        ]
    }

    private static func query(_ name: String, _ schema: JSON, isRequired: Bool = false) -> JSON {
        ["name": .string(name), "in": "query", "required": .bool(isRequired), "schema": schema]
    }

    private static func problem(_ description: String) -> JSON {
        [
            "description": .string(description),
            "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
        ]
    }

    private static let callID: JSON = ["type": "integer", "format": "int64", "minimum": 1]
    private static let turnNumber: JSON = ["type": "integer", "minimum": 1, "maximum": 100_000]
    private static let text: JSON = ["type": "string"]

    /// What we put into our own callback URLs to know a turn again.
    private static let carried: [JSON] = [
        query("lang", ["enum": ["en-US", "es-MX", "es-ES", "pt-BR"]]),
        query("wait", ["type": "integer", "minimum": 0]),
        query("job", callID), query("speech", text), query("confidence", ["type": "number"]), query("digits", text),
        query("answered_by", text),
    ]
    private static let voiceParameters = [query("call", callID)] + carried

    private static let twiML: [String: JSON] = [
        "200": [
            "description": "TwiML; whatever goes wrong, it is instructions that a telephone can follow.",
            "content": ["text/xml": ["schema": text]],
        ]
    ]

    private static let gatherFields: JSON = [
        "type": "object", "required": ["CallSid"],
        "properties": [
            "CallSid": text, "From": text, "To": text, "Direction": text, "CallStatus": text, "AnsweredBy": text,
            "SpeechResult": text, "Confidence": text, "Digits": text,
        ],
    ]

    private static let transferFields: JSON = [
        "type": "object", "required": ["CallSid", "DialCallStatus"],
        "properties": [
            "CallSid": text,
            "DialCallStatus": ["enum": ["completed", "answered", "busy", "no-answer", "failed", "canceled"]],
        ],
    ]

    private static let statusFields: JSON = [
        "type": "object", "required": ["CallSid", "CallStatus"],
        "properties": [
            "CallSid": text, "AnsweredBy": text, "CallDuration": text, "SequenceNumber": text,
            "CallStatus": [
                "enum": [
                    "queued", "initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed",
                    "canceled",
                ]
            ],
        ],
    ]

    private static let executeTool: JSON = [
        "operationId": "execute_tool",
        "summary": "Runs a tool, and answers with what a model is told of it.",
        "description": .string(
            "Tools, arguments and results are those of docs/tools.md; whatever is wrong with a call of a tool is a result, too."
        ),
        "security": [["token": []]],
        "parameters": [
            [
                "name": .string(ToolCallRequest.keyHeader), "in": "header", "required": false,
                "description":
                    "The same request with the same key is run once within a day, and its result told again.",
                "schema": [
                    "type": "string", "minLength": 1, "maxLength": .integer(Int64(ToolCallRequest.maximumKeyBytes)),
                    "pattern": "^[!-~]+$",
                ],
            ]
        ],
        "requestBody": [
            "required": true, "content": ["application/json": ["schema": toolCall]],
        ],
        "responses": [
            "200": toolAnswer("The tool has ended."),
            "202": toolAnswer("It has not; ask again with the key of this answer."),
            "400": problem("The body is not a JSON object."), "401": problem("The token is missing or unknown."),
            "404": problem("There is no such call."), "413": ["description": "The body is too large."],
            "422": problem("A field is missing or wrong."), "429": problem("Too many tools are being waited for."),
            "503": problem(
                "The database is away, or not quick enough: it may have been kept. Send it again with the key of this answer."
            ),
        ],
    ]

    private static let toolCall: JSON = [
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": [
            "name": ["type": "string", "minLength": 1, "maxLength": 64, "description": "At most 64 bytes of UTF-8"],
            "arguments": [
                "type": ["object", "null"], "description": "As the tool's own schema says; empty unless given",
            ],
            "call_id": [
                "type": ["integer", "null"], "format": "int64", "minimum": 1,
                "description": "The call whose caller, language and tools are meant",
            ],
        ],
    ]

    private static func toolAnswer(_ description: String) -> JSON {
        [
            "description": .string(description),
            "headers": [ToolCallRequest.keyHeader: ["schema": text]],
            "content": [
                "application/json": [
                    "schema": [
                        "type": "object", "required": ["success", "result"],
                        "properties": [
                            "success": ["type": "boolean"], "result": ["description": "For the model"],
                            "system_action": ["enum": ["disconnect", "open_url", "transfer"]],
                            "url": ["type": "string", "format": "uri", "description": "What open_url opens"],
                        ],
                    ]
                ]
            ],
        ]
    }

    private static let problemSchema: JSON = [
        "type": "object", "required": ["type", "title", "status", "detail"],
        "properties": [
            "type": text, "title": text, "status": ["type": "integer"], "detail": text,
            "errors": [
                "type": "array",
                "items": ["type": "object", "properties": ["field": text, "detail": text]],
            ],
        ],
    ]
}
