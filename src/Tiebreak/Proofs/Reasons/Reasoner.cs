using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs.Reasons;

/// <summary>What reasons are made from: a model, its gradient program, its rounds, and the values at random points of their sets.</summary>
sealed class Reasoner
{
    readonly RefinementOptions _options;
    readonly Samples? _samples;
    readonly TensorProgram _gradient;
    readonly IReadOnlyList<Node?> _adjoints;
    readonly Dictionary<string, Node> _gradientOf;
    readonly HashSet<string> _trained;
    readonly Dictionary<int, PointValues> _values = [];

    /// <param name="model">The model that was analysed.</param>
    /// <param name="partition">The answer.</param>
    /// <param name="options">The options it was found with.</param>
    /// <param name="samples">The samples that decide it; null for any data.</param>
    public Reasoner(Model model, Partition partition, RefinementOptions options, Samples? samples)
    {
        (Model, Partition, _options, _samples) = (model, partition, options, samples);
        _trained = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        (_gradient, _adjoints) = Gradients.Gradient.WithAdjoints(model.Program, model.OutputIsLoss && samples is null, _trained);
        _gradientOf = _gradient.Outputs.ToDictionary(output => output.Name, output => output.Node, StringComparer.Ordinal);
        Landmarks = new Landmarks(model.Program, _adjoints);
    }

    public Model Model { get; }

    public Partition Partition { get; }

    public Landmarks Landmarks { get; }

    /// <summary>An element of the gradient of a parameter; null if the loss does not depend on its tensor at all.</summary>
    public Element? Gradient(int tensor, int place) => _gradientOf.TryGetValue(Model.Parameters[tensor].Name, out var node) ? new Element(node, place) : null;

    /// <summary>For each of some parameters its code after each round, from the start (round 0) to the end.</summary>
    public IReadOnlyList<int[]> Codes(IReadOnlyList<(int Tensor, int Place)> parameters)
    {
        var codes = new List<int[]>();
        int[] Of(State state) => [.. parameters.Select(parameter => state.Codes[parameter.Tensor][parameter.Place])];
        var last = SmallestInvariantSet.Rounds(Model, _options, _samples, (_, state) =>
        {
            codes.Add(Of(state));
            return true;
        });
        codes.Add(Of(last));
        return codes;
    }

    /// <summary>Why elements are equal at every point of the answer.</summary>
    public IReadOnlyList<Fact> WhyEqual(IReadOnlyList<(Element Left, Element Right)> pairs) =>
        new EqualityTrace(Values(pairs.SelectMany(pair => new[] { pair.Left.Node, pair.Right.Node })), _trained.Contains, _options.Cancellation).Of(pairs);

    /// <summary>Why elements are zero at every point of the answer, or of the set after a round.</summary>
    public IReadOnlyList<ZeroFact> WhyZero(IReadOnlyList<Element> elements, int? round = null) =>
        new ZeroTrace(Values(elements.Select(element => element.Node), round), _trained.Contains, _options.Cancellation).Of(elements);

    /// <summary>Where the terms of a tensor's gradient, which cancel, come from; null if they cancel one by one.</summary>
    public Cancellation? WhereCancelled(int tensor, int? round = null) =>
        Gradient(tensor, 0) is { } gradient ? Cancellation.Find(Model.Program, _adjoints, Model.Parameters[tensor].Name, Values([gradient.Node], round)) : null;

    /// <summary>Whether what comes back to the result of an operation is one number along its last axis: then a softmax, which takes away the mean, sends nothing on.</summary>
    public bool IsSentBackAlike(Node part, int? round = null)
    {
        if (part.Origin is null || Model.Program.Nodes.LastOrDefault(node => node.Origin == part.Origin) is not { Shape.Rank: > 0 } result || _adjoints[result.Id] is not { } adjoint) return false;
        var (values, width) = (Values([part, adjoint], round), adjoint.Shape[adjoint.Shape.Rank - 1]);
        if (width < 2 || !values.Covers(adjoint)) return false;
        var isZero = true;
        for (var k = 0; k < adjoint.Shape.Count; k++)
        {
            if (values[new Element(adjoint, k)] != values[new Element(adjoint, k / width * width)]) return false;
            isZero &= values[new Element(adjoint, k)] == 0;
        }

        return !isZero;
    }

    /// <summary>Whether the value of an output depends on a tensor at all, be it without a derivative.</summary>
    public bool IsRead(int tensor)
    {
        var depends = Model.Program.DependsOn(leaf => leaf is Primitive.Parameter parameter && parameter.Name == Model.Parameters[tensor].Name);
        return Model.Program.Outputs.Any(output => depends[output.Node.Id]);
    }

    /// <summary>Where the difference of two elements at a point of the set after a round comes from.</summary>
    public IReadOnlyList<DifferenceStep> WhyDifferent(Element left, Element right, int sign, int round) =>
        new DifferenceTrace(Values([left.Node, right.Node], round), _trained.Contains).Of(left, right, sign);

    // One evaluation for each round that is asked about.
    PointValues Values(IEnumerable<Node> roots, int? round = null)
    {
        var key = round ?? -1;
        if (_values.TryGetValue(key, out var known) && roots.All(known.Covers)) return known;
        var state = round is { } last ? SmallestInvariantSet.Rounds(Model, _options, _samples, (number, _) => number < last) : State.Of(Model, Partition);
        return _values[key] = PointValues.At(_gradient, roots, state, _options, Block(), _samples?.RowsPerRun ?? 1);
    }

    SampleBlock? Block() => _samples?.Blocks.FirstOrDefault();
}
