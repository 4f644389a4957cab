import HTTP
import Jobs
import Platform
import Postgres
import Providers
import Simulators
import Testing

@testable import Calls

@Suite("Text messages") struct TextMessageTests {
    private let job = SendTextMessage(purpose: "link:1:a", to: "+525512345678", text: "Hola")

    @Test("A message goes out once, from our number, through Twilio")
    func sends() async throws {
        let logger = Logger(label: "test", level: .critical)
        let (twilio, http) = (SimulatedTwilio(logger: logger), HTTPClient(logger: logger))
        let client = TwilioClient(
            accountSID: twilio.accountSID, authToken: Secret(twilio.authToken), baseURL: try twilio.start(), http: http)
        let messenger = TwilioMessenger(client)
        try await messenger.send("Hola", to: "+525512345678", from: "+15005550006")
        #expect(twilio.messages == [.init(to: "+525512345678", from: "+15005550006", body: "Hola")])
        twilio.faults.trigger(.rateLimit, on: .createMessage)
        await #expect(throws: TextMessageError.notSent(message: "\(TwilioError.rateLimited(retryAfter: .seconds(1)))"))
        {
            try await messenger.send("Hola", to: "+525512345678", from: "+15005550006")
        }
        twilio.faults.trigger(.dropAfterEffect, on: .createMessage)
        await #expect {
            try await messenger.send("Hola", to: "+525512345678", from: "+15005550006")
        } throws: { error in
            if case .over? = error as? TextMessageError { true } else { false }
        }
        #expect(twilio.messages.count == 2)
        await twilio.stop()
        await http.shutDown()
    }

    @Test("What was certainly not sent is tried again; what may have been sent is not")
    func repeatsOnlyWhatIsSafe() async throws {
        for (failure, jobs) in [(TextMessageError.notSent(message: "away"), 1), (.over(message: "lost"), 0)] {
            let messenger = RecordedMessages(failure: failure)
            let bench = try await CallBench(messenger: messenger)
            try await bench.services.queue.enqueue(job, job.options)
            try await bench.runAll()
            #expect(messenger.messages.count == 1)
            #expect(try await bench.jobs("send_text_message") == jobs)
        }
    }

    @Test("One purpose has one waiting message, and without a provider it fails and says why")
    func waitsOnce() async throws {
        let bench = try await CallBench()
        let first = try await bench.services.queue.enqueue(job, job.options)
        #expect(try await bench.services.queue.enqueue(job, job.options) == first)
        try await bench.runAll()
        let error: String = try await bench.value("SELECT error FROM finished_jobs WHERE kind = 'send_text_message'")
        #expect(error.contains("no provider of text messages"))
    }
}
