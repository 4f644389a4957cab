import Platform

/// `/openapi.json`: OpenAPI 3.1 of what is under `/webhooks`.
enum OpenAPI {
    static func document(publicURL: String) -> JSON {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Operadora", "version": "1",
                "description": "Webhooks that telephone providers call. A 2xx means that the event is committed.",
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
            ]),
            "components": [
                "schemas": ["Problem": problemSchema],
                "securitySchemes": [
                    "twilioSignature": ["type": "apiKey", "in": "header", "name": "X-Twilio-Signature"]
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
