using Tiebreak.Findings;

namespace Tiebreak.Repairs;

/// <summary>Says of each finding that is still there why it was not repaired.</summary>
static class LeftOver
{
    static readonly string[] Repairable = ["TB001", "TB002", "TB003", "TB004", "TB007"];

    /// <summary>One entry a finding.</summary>
    public static IReadOnlyList<Unrepaired> Of(CheckResult after, FixOptions options, IReadOnlyList<string> dropped, IReadOnlyList<string> kept) =>
        [.. after.Findings.Where(finding => Repairable.Contains(finding.Rule)).Select(finding => new Unrepaired(finding.Rule, finding.Message, Reason(finding, options, dropped, kept)))];

    static string Reason(Finding finding, FixOptions options, IReadOnlyList<string> dropped, IReadOnlyList<string> kept)
    {
        switch (finding.Rule)
        {
            case "TB004" when !options.DropRedundant:
                return "harmless but for rounding noise, so it is left; `--drop-redundant` takes it away";
            case "TB004" when finding.Tensors.All(tensor => dropped.Contains(tensor, StringComparer.Ordinal)):
                return "it is zero now, as the file has no way to leave it out";
            case "TB004":
                return finding.Tensors.Any(tensor => kept.Contains(tensor, StringComparer.Ordinal)) ? "taking it away would change what the model computes after training, or that could not be ruled out" : "only part of a tensor is redundant, which cannot be taken away alone";
            case "TB002" when finding.StuckBy == "cancellation":
                return "what follows cancels it whatever the weights are: no start value moves it; freeze or remove it";
            case "TB002" when finding.Because.StartsWith("nothing that the loss sees", StringComparison.Ordinal):
                return "nothing that the loss sees depends on it, so no start value moves it";
            case "TB002" when finding.StuckBy == "law":
                return "a linear law of gradient descent holds it, which start values alone do not break";
            case "TB002" when options.Method is RepairMethod.Split or RepairMethod.Noise:
                return "this method does not give it a start that moves it; try `--method reinit`";
            case "TB002":
                return $"fresh values for all tensors in lockstep or stuck do not move it: {finding.Because}";
            default:
                return options.Method == RepairMethod.Split ? "its units have no outgoing weights of their own that could be split (they pass through something that is not linear before they are summed), or the file's format has too few numbers to make all of them different; try `--method reinit`" : options.Method == RepairMethod.Noise ? "noise on all copies does not pull it apart; try `--method reinit`" : $"fresh values for all tensors in lockstep or stuck do not pull it apart, so the architecture does it: {finding.Because}";
        }
    }
}
