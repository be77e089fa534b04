using global::Onnx;
using Google.Protobuf;
using Tiebreak.Evaluation;
using Tiebreak.Programs;
using DataType = Onnx.TensorProto.Types.DataType;

namespace Tiebreak.Conformance;

/// <summary>One folder of a conformance suite: a model and data sets with inputs and expected outputs.</summary>
public static class ConformanceCase
{
    // As ONNX's own runner compares.
    const double Relative = 1e-3;
    const double Absolute = 1e-5;

    /// <summary>The file that makes a folder a case.</summary>
    public const string ModelName = "model.onnx";

    /// <summary>What becomes of the case when its lowered program is computed; whatever is wrong with it is a reason, never an exception.</summary>
    public static Verdict Run(string folder, ProgramEvaluation evaluate)
    {
        try
        {
            var sets = Directory.GetDirectories(folder, "test_data_set_*").Order(StringComparer.Ordinal).ToList();
            if (sets.Count == 0) return Verdict.Failed("it has no test_data_set folder");
            var verdicts = sets.ConvertAll(set => (Name: Path.GetFileName(set), Verdict: RunSet(Path.Combine(folder, ModelName), new CaseTensors(set), evaluate)));
            foreach (var outcome in (Outcome[])[Outcome.Failed, Outcome.Skipped])
                foreach (var (name, verdict) in verdicts)
                    if (verdict.Outcome == outcome) return sets.Count == 1 ? verdict : verdict with { Reason = $"{name}: {verdict.Reason}" };
            return Verdict.Passed;
        }
        catch (TiebreakException error)
        {
            return Verdict.Failed(error.Message);
        }
        catch (InvalidProtocolBufferException)
        {
            return Verdict.Failed("its model or one of its tensors does not follow the ONNX schema");
        }
        catch (Exception error)
        {
            return Verdict.Failed($"{error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}");
        }
    }

    static Verdict RunSet(string path, CaseTensors tensors, ProgramEvaluation evaluate)
    {
        var proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        if (proto.Graph is null) return Verdict.Failed("its model holds no graph");
        using var model = CaseModel.Open(path, proto, tensors);
        var leaves = new CaseLeaves(model.Lowered, proto.Graph, tensors);
        var actual = evaluate(ShiftedExponentials.Of(model.Lowered.Program), leaves.Of).ToDictionary(output => output.Name, StringComparer.Ordinal);
        string? missing = null;
        for (var k = 0; k < proto.Graph.Output.Count; k++)
        {
            var name = proto.Graph.Output[k].Name;
            if (tensors.Output(k) is not { } expected) missing ??= $"the case has no expected values for output `{name}`";
            else if (!actual.TryGetValue(name, out var output)) missing ??= model.WhyOnlyReal ?? $"output `{name}` holds no real numbers and is not lowered";
            else if (Difference(expected, (DataType)(proto.Graph.Output[k].Type?.TensorType?.ElemType ?? 0), output) is { } difference) return Verdict.Failed(difference);
        }

        return missing is null ? Verdict.Passed : Verdict.Skipped(missing);
    }

    static string? Difference(TensorProto expected, DataType declared, OutputValues actual)
    {
        if (!actual.Shape.Sizes.Select(size => (long)size).SequenceEqual(expected.Dims)) return $"output `{actual.Name}` has shape {actual.Shape}, not [{string.Join(",", expected.Dims)}]";
        var numbers = CaseTensors.Numbers(expected, declared);
        var (relative, absolute) = Tolerances(declared == DataType.Bfloat16 ? declared : (DataType)expected.DataType);
        for (var k = 0; k < numbers.Length; k++)
        {
            if (actual.Values[k].Equals(numbers[k]) || Math.Abs(actual.Values[k] - numbers[k]) <= absolute + relative * Math.Abs(numbers[k])) continue;
            return $"output `{actual.Name}`[{k}] is {actual.Values[k]}, not {numbers[k]}";
        }

        return null;
    }

    /// <summary>Whole numbers and Booleans are compared exactly; a result rounded to bfloat16 cannot say more than the spacing of its numbers.</summary>
    static (double Relative, double Absolute) Tolerances(DataType type) => type switch
    {
        DataType.Float or DataType.Double or DataType.Float16 => (Relative, Absolute),
        DataType.Bfloat16 => (1.0 / 128, Absolute),
        _ => (0, 0),
    };
}
