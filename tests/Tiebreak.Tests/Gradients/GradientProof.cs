using Tiebreak.Gradients;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Gradients;

/// <summary>
/// Holds the gradient program against the program itself. Both are only evaluated: along a random line the values of a random loss say what
/// the derivative must be, and the gradient says what it is. On a difference the single number that is wrong is looked for and named.
/// </summary>
abstract class GradientProof<T>
{
    readonly TensorProgram _program;
    readonly Func<Node, T[]> _leaf;
    readonly Func<T> _number;
    readonly Node[] _parameters;
    readonly T[][] _lossWeights;
    readonly Dictionary<string, T[]> _leaves = [];

    /// <summary>Draws the loss.</summary>
    /// <param name="program">From parameters and data to outputs.</param>
    /// <param name="leaf">The point and the data; asked once for each leaf.</param>
    /// <param name="number">Draws a number for the loss and for directions.</param>
    protected GradientProof(TensorProgram program, Func<Node, T[]> leaf, Func<T> number)
    {
        (_program, _leaf, _number) = (program, leaf, number);
        _parameters = [.. program.Nodes.Where(node => node.Primitive is Primitive.Parameter)];
        _lossWeights = [.. program.Outputs.Select(output => Draw(output.Node))];
    }

    /// <summary>Null if the gradient is right, else where it is wrong, what it says and what it should say.</summary>
    public string? Problem()
    {
        var program = Gradient.Of(_program, outputIsLoss: false, _parameters.Select(Name).ToHashSet());
        ProgramGrammar.Check(program);
        var gradients = Evaluate(program, At).ToDictionary(output => output.Name, output => output.Values);
        var line = Disagreement(_parameters.ToDictionary(Name, Draw));
        if (line is null) return null;
        foreach (var parameter in _parameters)
            for (var k = 0; k < parameter.Shape.Count; k++)
                if (Disagreement(_parameters.ToDictionary(Name, node => Unit(node, node == parameter ? k : -1))) is { } one) return $"{Name(parameter)}, element {k}: {one}";
        return $"along a line: {line}";

        string? Disagreement(Dictionary<string, T[]> direction) =>
            Compare([.. gradients.SelectMany(tensor => tensor.Value.Zip(direction[tensor.Key], Times))], t => Loss(direction, t));
    }

    protected abstract T Zero { get; }

    protected abstract T One { get; }

    protected abstract T Plus(T left, T right);

    protected abstract T Times(T left, T right);

    protected abstract IEnumerable<(string Name, T[] Values)> Evaluate(TensorProgram program, Func<Node, T[]> leaf);

    /// <summary>Null if the terms of the gradient along a line add up to the derivative of the loss there.</summary>
    protected abstract string? Compare(T[] terms, Func<T, T> loss);

    T Loss(Dictionary<string, T[]> direction, T t)
    {
        var outputs = Evaluate(_program, node => node.Primitive is Primitive.Parameter ? [.. At(node).Zip(direction[Name(node)], (value, slope) => Plus(value, Times(t, slope)))] : At(node));
        return outputs.SelectMany((output, k) => output.Values.Zip(_lossWeights[k], Times)).Aggregate(Zero, Plus);
    }

    T[] At(Node leaf)
    {
        if (leaf.Primitive is Primitive.Data { Kind: DataKind.LossAdjoint } adjoint)
            return _lossWeights[_program.Outputs.ToList().FindIndex(output => adjoint.Name == $"loss adjoint of {output.Name}")];
        if (!_leaves.TryGetValue(Name(leaf), out var values)) _leaves.Add(Name(leaf), values = _leaf(leaf));
        return values;
    }

    T[] Draw(Node node) => [.. Enumerable.Range(0, (int)node.Shape.Count).Select(_ => _number())];

    T[] Unit(Node node, int place) => [.. Enumerable.Range(0, (int)node.Shape.Count).Select(k => k == place ? One : Zero)];

    static string Name(Node leaf) => leaf.Primitive switch
    {
        Primitive.Parameter parameter => parameter.Name,
        Primitive.Data data => $"data {data.Name}",
        _ => throw new NotSupportedException($"{leaf} has no name"),
    };
}
