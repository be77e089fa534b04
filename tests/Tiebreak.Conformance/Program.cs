using Tiebreak.Evaluation;
namespace Tiebreak.Conformance;

/// <summary>Runs a folder of ONNX conformance cases through the lowering.</summary>
static class Program
{
    const string Usage = """
        usage: Tiebreak.Conformance FOLDER [--runtime]

        Runs every case below FOLDER (a folder with model.onnx and test_data_set_*): lowers the model, computes the lowered program in float64
        and compares with the expected outputs. With --runtime, the lowered program is written as an ONNX model and ONNX Runtime computes it.
        """;

    static int Main(string[] args)
    {
        var folders = args.Where(arg => !arg.StartsWith('-')).ToList();
        var options = args.Where(arg => arg.StartsWith('-')).Distinct(StringComparer.Ordinal).ToList();
        if (folders.Count != 1 || options.Exists(option => option != "--runtime")) return Refuse(Usage);
        if (!Directory.Exists(folders[0])) return Refuse($"error: there is no folder {folders[0]}");
        var counts = new Dictionary<Outcome, int>();
        foreach (var (name, verdict) in ConformanceRun.Over(folders[0], options.Count > 0 ? RuntimeEvaluator.Evaluate : FloatEvaluator.Evaluate))
        {
            counts[verdict.Outcome] = counts.GetValueOrDefault(verdict.Outcome) + 1;
            if (verdict.Reason.Length > 0) Console.WriteLine($"{verdict.Outcome.ToString().ToLowerInvariant()} {name}: {verdict.Reason}");
        }

        if (counts.Count == 0) return Refuse($"error: there is no case below {folders[0]}; a case is a folder with {ConformanceCase.ModelName} and test_data_set_* folders");
        Console.WriteLine($"{counts.GetValueOrDefault(Outcome.Passed)} passed, {counts.GetValueOrDefault(Outcome.Failed)} failed, {counts.GetValueOrDefault(Outcome.Skipped)} skipped");
        return counts.ContainsKey(Outcome.Failed) ? 1 : 0;
    }

    static int Refuse(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }
}
