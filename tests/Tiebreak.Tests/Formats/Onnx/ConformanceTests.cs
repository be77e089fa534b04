using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>The ONNX project's own node tests, computed by the lowered programs: in float64, and by ONNX Runtime from the programs written back as ONNX.</summary>
public sealed class ConformanceTests
{
    [Fact]
    public void Lowered_programs_compute_what_the_standard_says() => AllPass(FloatEvaluator.Evaluate);

    [Fact]
    public void Written_programs_compute_what_the_standard_says() => AllPass(RuntimeEvaluator.Evaluate);

    [Fact]
    public void A_case_that_cannot_be_read_fails_with_its_reason()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("text", "test_data_set_0"));
        File.WriteAllText(folder.File("text", ConformanceCase.ModelName), "no model");
        Directory.CreateDirectory(folder.File("without data"));
        File.WriteAllBytes(folder.File("without data", ConformanceCase.ModelName), []);
        var verdicts = ConformanceRun.Over(folder.Path, FloatEvaluator.Evaluate).ToList();
        Assert.Equal([("text", Verdict.Failed("its model or one of its tensors does not follow the ONNX schema")), ("without data", Verdict.Failed("it has no test_data_set folder"))], verdicts);
    }

    static void AllPass(ProgramEvaluation evaluate)
    {
        var verdicts = ConformanceRun.Over(SharedFolder.Require("onnx-conformance"), evaluate).ToList();
        Assert.Empty(verdicts.Where(entry => entry.Verdict.Outcome == Outcome.Failed || (entry.Verdict.Outcome == Outcome.Passed && entry.Verdict.Reason.Length > 0)));
        Assert.Equal(KnownExceptions.Reasons.Keys.Order(StringComparer.Ordinal), verdicts.Where(entry => entry.Verdict.Outcome == Outcome.Skipped).Select(entry => Path.GetFileName(entry.Name)).Order(StringComparer.Ordinal));
    }
}
