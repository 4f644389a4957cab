import FoundationEssentials
import HTTP
import Platform
import TestSupport
import Testing

@testable import Providers

/// Against Google's own description of the API (package google-api-python-client).
@Suite(.enabled(if: PythonPeer.isExpected)) struct GoogleDiscoveryTests {
    @Test("Every request that we send is one that Google's description of its API knows, down to the last field")
    func requests() async throws {
        let answer = HTTPServerResponse.json([
            "id": "op7k3meeting17", "calendars": ["sales@example.com": ["busy": []]],
        ])
        try await withGoogle([answer]) { google in
            let client = try google.client()
            _ = try await client.busy(
                from: GoogleCalendarTests.start, to: GoogleCalendarTests.start.addingTimeInterval(60))
            _ = try await client.insert(GoogleCalendarTests.event)
            _ = try await client.event("op7k3meeting17")
            let start = GoogleCalendarTests.start
            _ = try await client.move(
                "op7k3meeting17", to: start..<start.addingTimeInterval(60), timezone: "America/Mexico_City")
            try await client.delete("op7k3meeting17")
            let problems = try await PythonPeer.run(Self.script, input: .array(google.requests.map(Self.shown)))
            #expect(
                problems == [
                    "known": ["freebusy.query", "events.insert", "events.get", "events.patch", "events.delete"],
                    "problems": [],
                ])
        }
    }

    @Test("The check itself finds what is wrong")
    func check() async throws {
        let wrong: JSON = [
            [
                "method": "POST", "target": "/calendar/v3/calendars/a/events?sendUpdates=some&colour=1",
                "body": ["summary": 5, "attendees": [["mail": "x"]], "reminders": ["useDefault": "no"]],
            ]
        ]
        let problems = try await PythonPeer.run(Self.script, input: wrong)
        #expect(problems["problems"]?.array?.count == 5)
    }

    private static func shown(_ request: HTTPServerRequest) -> JSON {
        [
            "method": .string(request.method), "target": .string(request.target),
            "body": request.body.isEmpty ? nil : (try? request.json()) ?? "not JSON",
        ]
    }

    private static let script = """
        import importlib.resources, json, re, sys, urllib.parse

        documents = importlib.resources.files("googleapiclient") / "discovery_cache" / "documents"
        api = json.loads((documents / "calendar.v3.json").read_text())
        problems, known = [], []
        types = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list}

        def check(value, schema, path):
            if "$ref" in schema:
                schema = api["schemas"][schema["$ref"]]
            kind = types.get(schema.get("type"))
            if kind and (not isinstance(value, kind) or kind is int and isinstance(value, bool)):
                problems.append(path + " is not of type " + schema["type"])
            elif isinstance(value, dict):
                for name, member in value.items():
                    rule = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                    if rule is None:
                        problems.append(path + "." + name + " is unknown")
                    else:
                        check(member, rule, path + "." + name)
            elif isinstance(value, list):
                for index, member in enumerate(value):
                    check(member, schema["items"], path + "[%d]" % index)

        def find(method, path):
            for resource in api["resources"].values():
                for candidate in resource.get("methods", {}).values():
                    pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", candidate["path"])
                    if candidate["httpMethod"] == method and re.fullmatch(pattern, path):
                        return candidate
            raise SystemExit("no method for " + method + " " + path)

        for request in json.load(sys.stdin):
            path, _, query = request["target"].removeprefix("/calendar/v3/").partition("?")
            method = find(request["method"], path)
            known.append(method["id"].removeprefix("calendar."))
            for name, value in urllib.parse.parse_qsl(query):
                rule = method["parameters"].get(name)
                if rule is None or value not in rule.get("enum", [value]):
                    problems.append("parameter " + name)
            if request["body"] is not None:
                check(request["body"], method["request"], method["id"])
            elif "request" in method:
                problems.append(method["id"] + " has no body")
        json.dump({"known": known, "problems": problems}, sys.stdout)
        """
}
