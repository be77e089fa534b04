using System.Runtime.InteropServices;
using Google.Protobuf;
using global::Onnx;
using Tiebreak.Findings;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>What a check said of a small model, in words that tests can assert. Small models are judged a second time, by the slow judge.</summary>
sealed class Outcome
{
    const int LargestToJudge = 100;

    readonly string _extension;
    readonly byte[] _file;

    Outcome(CheckResult result, string extension, byte[] file, bool judge = true)
    {
        (Result, _extension, _file) = (result, extension, file);
        if (judge && result.Counts!.Parameters <= LargestToJudge)
        {
            var verdict = ScalarJudge.Judge(result.Analysis.Model);
            Assert.True(verdict.Partition.SameAs(result.Analysis.Partition!), $"judge: {verdict.Partition.Show()}\nengine: {result.Analysis.Partition!.Show()}");
        }
    }

    public CheckResult Result { get; }

    public VerdictCounts Counts => Result.Counts!;

    /// <summary>The codes of the findings, notes included.</summary>
    public IEnumerable<string> Rules => Result.Findings.Select(finding => finding.Rule);

    /// <summary>Checks a formula.</summary>
    public static Outcome OfFormula(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), text);
        return new Outcome(Check.Model(folder.File("model.tb")), ".tb", File.ReadAllBytes(folder.File("model.tb")));
    }

    /// <summary>Checks an ONNX model. Where the verdict rests on a kink the judge may not decide.</summary>
    public static Outcome OfOnnx(OnnxModelBuilder model, CheckOptions? options = null, bool judge = true)
    {
        using var folder = new TemporaryFolder();
        var proto = model.Proto();
        foreach (var tensor in proto.Graph.Initializer.Where(tensor => tensor.DataType == (int)TensorProto.Types.DataType.Float))
        {
            // Raw bytes are read from the file, and the judge comes when it is closed.
            tensor.FloatData.AddRange(MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray());
            tensor.ClearRawData();
        }

        File.WriteAllBytes(folder.File("model.onnx"), proto.ToByteArray());
        return new Outcome(Check.Model(folder.File("model.onnx"), options), ".onnx", proto.ToByteArray(), judge);
    }

    /// <summary><c>tiebreak why</c> of one parameter or two has this verdict, and says all this among its steps and notes.</summary>
    public void Says(string[] parameters, string verdict, params ReadOnlySpan<string> parts)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model" + _extension), _file);
        var explanation = Why.Of(folder.File("model" + _extension), parameters[0], parameters.ElementAtOrDefault(1), Result.Options);
        Assert.Equal(verdict, explanation.Verdict.ToString());
        var all = string.Join("; ", explanation.Steps.Select(step => step.Text).Concat(explanation.Notes));
        foreach (var part in parts) Assert.True(all.Contains(part, StringComparison.Ordinal), $"`{part}` is not in: {all}");
    }

    /// <summary>The only finding of a rule.</summary>
    public Finding Finding(string rule) => Assert.Single(Result.Findings, finding => finding.Rule == rule);

    /// <summary>Every number of these tensors moves, and none is bound to another anywhere.</summary>
    public void IsFree(params ReadOnlySpan<string> tensors)
    {
        foreach (var tensor in tensors)
        {
            var counts = Tensor(tensor);
            Assert.Equal((tensor, 0L, 0L), (tensor, counts.Stuck, counts.Lockstep));
        }
    }

    /// <summary>No number of these tensors ever moves, and the finding says why.</summary>
    public void IsStuck(string by, params string[] tensors)
    {
        foreach (var tensor in tensors) Assert.Equal((tensor, Tensor(tensor).Parameters), (tensor, Tensor(tensor).Stuck));
        Assert.Contains(Result.Findings, finding => finding.Rule is "TB002" or "TB004" && finding.StuckBy == by && tensors.All(finding.Tensors.Contains));
    }

    /// <summary>All numbers of these tensors first move at one step.</summary>
    public void Starts(int step, params ReadOnlySpan<string> tensors)
    {
        foreach (var tensor in tensors) Assert.Equal((tensor, step, step), (tensor, Tensor(tensor).FirstStepMin, Tensor(tensor).FirstStepMax));
    }

    /// <summary>Slices of a tensor that move and stay equal for ever.</summary>
    public void StayEqual(string tensor, int axis, params int[] slices)
    {
        foreach (var slice in slices) Assert.Equal(Slice(tensor, axis, slices[0]), Slice(tensor, axis, slice));
        Assert.DoesNotContain(0, Slice(tensor, axis, slices[0]));
    }

    /// <summary>Slices of a tensor that share no number.</summary>
    public void ComeApart(string tensor, int axis, params int[] slices)
    {
        var codes = slices.SelectMany(slice => Slice(tensor, axis, slice).Distinct()).ToArray();
        Assert.Equal(codes.Length, codes.Distinct().Count());
    }

    /// <summary>Whole tensors that move and stay equal for ever.</summary>
    public void StayCopies(string first, string second)
    {
        Assert.Equal(Codes(first), Codes(second));
        Assert.DoesNotContain(0, Codes(first));
    }

    public int[] Codes(string tensor) => Result.Analysis.Partition!.Codes[Enumerable.Range(0, Result.Tensors.Count).Single(k => Result.Tensors[k].Name == tensor)];

    TensorCounts Tensor(string name) => Result.Tensors.Single(tensor => tensor.Name == name);

    int[] Slice(string tensor, int axis, int slice)
    {
        var shape = Tensor(tensor).Shape;
        var inner = shape.Skip(axis + 1).Aggregate(1, (product, size) => product * size);
        return [.. Codes(tensor).Where((_, k) => k / inner % shape[axis] == slice)];
    }
}
