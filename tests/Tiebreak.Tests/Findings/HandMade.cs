using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Tests.Findings;

/// <summary>Analyses written by hand: tensors with their codes, without an engine.</summary>
sealed class HandMade
{
    readonly List<ParameterTensor> _parameters = [];
    readonly List<int[]> _codes = [];
    readonly List<StuckCause[]?> _stuckBy = [];
    readonly HashSet<string> _unused = [];

    public Func<Analysis, Analysis> Change { get; set; } = analysis => analysis;

    public static readonly AxisMeaning[] Linear = [AxisMeaning.Output, AxisMeaning.Input];

    public HandMade Dense(string name, int[] shape, params int[] codes) => Add(name, shape, ParameterRole.Dense, Linear, codes);

    public HandMade Bias(string name, params int[] codes) => Add(name, [codes.Length], ParameterRole.Bias, [AxisMeaning.Output], codes);

    public HandMade Other(string name, int[] shape, params int[] codes) => Add(name, shape, ParameterRole.Other, [], codes);

    public HandMade Add(string name, int[] shape, ParameterRole role, AxisMeaning[] axes, int[] codes)
    {
        // Start values that are all different, so that nothing is equal but free unless a test says so.
        var values = Enumerable.Range(0, codes.Length).Select(k => 1.5 + k + 1000.0 * _parameters.Count).ToArray();
        _parameters.Add(new ParameterTensor(name, new Shape(shape), new DoubleTensor(values)) { Role = role, AxisMeanings = axes });
        _codes.Add(codes);
        _stuckBy.Add(null);
        return this;
    }

    /// <summary>Sets the start of the last tensor.</summary>
    public HandMade Starting(params double[] values) =>
        With(parameter => parameter with { Start = values.Length == 1 ? new UniformTensor(parameter.Shape.Count, Rational.FromDouble(values[0])) : new DoubleTensor(values) });

    /// <summary>Changes the last tensor.</summary>
    public HandMade With(Func<ParameterTensor, ParameterTensor> change)
    {
        _parameters[^1] = change(_parameters[^1]);
        return this;
    }

    /// <summary>Says that the last tensor's stuck parameters cancel.</summary>
    public HandMade Cancelling()
    {
        _stuckBy[^1] = [.. _codes[^1].Select(code => code == 0 ? StuckCause.Cancellation : StuckCause.None)];
        return this;
    }

    /// <summary>Says that no output depends on the last tensor.</summary>
    public HandMade Unused()
    {
        _unused.Add(_parameters[^1].Name);
        return this;
    }

    public Partition Partition(int[]? firstSteps = null)
    {
        var classes = _codes.SelectMany(codes => codes).Select(Math.Abs).DefaultIfEmpty(0).Max();
        return new Partition(_codes, firstSteps ?? [0, .. Enumerable.Repeat(1, classes)]);
    }

    public Analysis Analyse(int[]? firstSteps = null)
    {
        var builder = new ProgramBuilder();
        var nodes = _parameters.Where(parameter => !_unused.Contains(parameter.Name)).Select(parameter => builder.Reshape(builder.Parameter(parameter.Name, parameter.Shape), new Shape((int)parameter.Shape.Count))).ToArray();
        builder.Output("y", nodes.Length == 0 ? builder.Fill(Rational.One, Shape.Scalar) : builder.Concat(0, nodes));
        return Change(new Analysis
        {
            Model = new Model { Program = builder.Build(), Parameters = [.. _parameters], OutputIsLoss = false },
            Partition = Partition(firstSteps),
            Rounds = 2,
            Verifications = 4,
            Epsilon = 1e-7,
            ErrorBound = 1e-28,
            StuckBy = [.. _stuckBy],
        });
    }

    public CheckResult Check(int[]? firstSteps = null) => FindingsBuilder.Build("model.onnx", "onnx", new CheckOptions(), Analyse(firstSteps));

    /// <summary>A network 3-4-4-2 in which every weight started equal: the example of the README.</summary>
    public static HandMade ConstantMlp() => new HandMade()
        .Dense("fc1.weight", [4, 3], 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3).Starting(0.125)
        .Bias("fc1.bias", 4, 4, 4, 4).Starting(0)
        .Dense("fc2.weight", [4, 4], [.. Enumerable.Repeat(5, 16)]).Starting(0.125)
        .Bias("fc2.bias", 6, 6, 6, 6).Starting(0)
        .Dense("fc3.weight", [2, 4], 7, 7, 7, 7, 8, 8, 8, 8).Starting(0.125)
        .Bias("fc3.bias", 9, 10).Starting(0);
}
