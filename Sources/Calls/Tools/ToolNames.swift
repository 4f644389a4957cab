/// The names of the tools that are part of the program and do not stand in the tools file.
public enum ToolNames {
    public static let mikrotik = MikroTikTool.name
    public static let transfer = TransferTool.name
    public static let bookingLink = ScheduleMeetingTool.name
    /// No tool of the file may bear them.
    public static let own = [
        CheckAvailabilityTool.name, BookMeetingTool.name, RescheduleMeetingTool.name, CancelMeetingTool.name,
        bookingLink,
        mikrotik, transfer,
    ]

    /// What Chat Completions takes as a name.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }
}
