namespace Tiebreak.Conformance;

/// <summary>All cases below a folder.</summary>
public static class ConformanceRun
{
    /// <summary>The cases below a folder, itself included, by their path from there and in order, each with its verdict; exceptions that are listed are skips.</summary>
    public static IEnumerable<(string Name, Verdict Verdict)> Over(string folder, ProgramEvaluation evaluate)
    {
        var cases = Directory.EnumerateFiles(folder, ConformanceCase.ModelName, SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal);
        return cases.AsParallel().AsOrdered().Select(path => (Path.GetRelativePath(folder, path), Judge(path, evaluate)));
    }

    static Verdict Judge(string path, ProgramEvaluation evaluate)
    {
        var verdict = ConformanceCase.Run(path, evaluate);
        if (!KnownExceptions.Reasons.TryGetValue(Path.GetFileName(path), out var reason)) return verdict;
        return verdict.Outcome == Outcome.Passed ? verdict with { Reason = "passes, though it is listed as an exception" } : Verdict.Skipped(reason);
    }
}
