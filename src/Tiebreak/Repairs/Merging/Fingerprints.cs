using System.Globalization;
using Tiebreak.Evaluation;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs.Merging;

/// <summary>One axis of one node.</summary>
readonly record struct NodeAxis(Node Node, int Axis);

/// <summary>
/// What the slices of tensors along an axis are at one random point: a random linear combination of each slice, so slices that are equal, opposite or zero have fingerprints that are, and others do by chance only
/// (about 2⁻⁶⁰ times the degree; what rests on them is checked in the end).
/// </summary>
sealed class Fingerprints(PointRun run)
{
    readonly Dictionary<(int Node, int Axis), ulong[]> _known = [];

    /// <summary>One number a slice.</summary>
    public ulong[] this[NodeAxis at] => _known[(at.Node.Id, at.Axis)];

    /// <summary>Whether it was asked for before.</summary>
    public bool Has(NodeAxis at) => _known.ContainsKey((at.Node.Id, at.Axis));

    /// <summary>−x.</summary>
    public ulong Negate(ulong value) => run.Field.Negate(value);

    /// <summary>One of x and −x, the same for both.</summary>
    public ulong Magnitude(ulong value) => Math.Min(value, run.Field.Negate(value));

    /// <summary>Evaluates what is not known yet.</summary>
    public void Need(IEnumerable<NodeAxis> axes)
    {
        var wanted = axes.Where(at => !Has(at)).Distinct().ToLookup(at => at.Node.Id);
        if (wanted.Count == 0) return;
        foreach (var at in wanted.SelectMany(group => group)) _known.Add((at.Node.Id, at.Axis), new ulong[at.Node.Shape[at.Axis]]);
        run.Evaluate([.. wanted.Select(group => group.First().Node)], (node, start, chunk) =>
        {
            foreach (var at in wanted[node.Id]) Add(at, start, chunk);
        });
    }

    void Add(NodeAxis at, long start, ReadOnlySpan<ulong> chunk)
    {
        var (sums, field) = (_known[(at.Node.Id, at.Axis)], run.Field);
        var weights = new RandomFunction(run.Seed, RandomFunction.Purpose("slices"));
        long inner = at.Node.Shape.Strides()[at.Axis];
        var size = at.Node.Shape[at.Axis];
        for (var i = 0; i < chunk.Length;)
        {
            var position = start + i;
            var (outer, place, rest) = (position / inner / size, (int)(position / inner % size), position % inner);
            var length = (int)Math.Min(inner - rest, chunk.Length - i);
            var sum = sums[place];
            for (var k = 0; k < length; k++)
                if (chunk[i + k] != 0) sum = field.Add(sum, field.Multiply(chunk[i + k], weights.Below(field.Modulus, (ulong)(outer * inner + rest + k))));
            sums[place] = sum;
            i += length;
        }
    }
}

/// <summary>Evaluations of one program at one random point: always the same parameters, data and oracles.</summary>
sealed class PointRun
{
    readonly TensorProgram _program;
    readonly IParameterPoint _point;
    readonly IDataPoint? _data;
    readonly GateDecisions? _gates;
    readonly RefinementOptions _options;

    /// <param name="program">The program.</param>
    /// <param name="field">The field.</param>
    /// <param name="seed">The seed of data and oracles.</param>
    /// <param name="point">The parameters.</param>
    /// <param name="data">Data that are not drawn; null for none.</param>
    /// <param name="gates">Gates that order decides; null for none.</param>
    /// <param name="options">Kinks, threads, cancellation.</param>
    public PointRun(TensorProgram program, PrimeField field, ulong seed, IParameterPoint point, IDataPoint? data, GateDecisions? gates, RefinementOptions options) =>
        (_program, Field, Seed, _point, _data, _gates, _options) = (program, field, seed, point, data, gates, options);

    public PrimeField Field { get; }

    public ulong Seed { get; }

    /// <summary>Receives values of a node: first position, and the values from there on.</summary>
    public delegate void Reader(Node node, long start, ReadOnlySpan<ulong> chunk);

    /// <summary>Evaluates nodes and hands out their values; false if the program divides by zero there.</summary>
    /// <exception cref="DivideByZeroException">The prime divides the denominator of a constant.</exception>
    public bool Evaluate(IReadOnlyList<Node> nodes, Reader reader)
    {
        using var pool = new BufferPool(idleLimit: 1 << 22);
        var events = FieldEvaluator<PrimeField>.Run(
            [Field], Seed, _options.Kinks, _program.WithOutputs([.. nodes.Select(node => (node.Id.ToString(CultureInfo.InvariantCulture), node))]), _point, new Workers(_options.Threads, _options.Cancellation), pool,
            (name, _, start, chunk) => reader(_program.Nodes[int.Parse(name, CultureInfo.InvariantCulture)], start, chunk), _data, _gates);
        return events.Singularities.Count == 0;
    }

    /// <summary>One number for each node, the same for equal tensors of one shape: a random linear combination of all its values.</summary>
    public Dictionary<int, ulong> Prints(IReadOnlyList<Node> nodes)
    {
        var prints = nodes.ToDictionary(node => node.Id, _ => 0UL);
        if (nodes.Count == 0) return prints;
        var weights = new RandomFunction(Seed, RandomFunction.Purpose("copies"));
        Evaluate(nodes, (node, start, chunk) =>
        {
            var sum = prints[node.Id];
            for (var k = 0; k < chunk.Length; k++)
                if (chunk[k] != 0) sum = Field.Add(sum, Field.Multiply(chunk[k], weights.Below(Field.Modulus, (ulong)(start + k))));
            prints[node.Id] = sum;
        });
        return prints;
    }
}
