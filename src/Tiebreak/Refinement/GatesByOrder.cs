using Tiebreak.Evaluation;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// Decides gates by order (theory §4, "Dead by order"): a relu whose input cannot be positive, whatever the data and wherever in the set the parameters are, is no oracle but zero.
/// Stuck parameters stand at their values, moving ones anywhere; so what is decided for a set is decided for every smaller one, and the optimistic loop stays monotone.
/// </summary>
sealed class GatesByOrder
{
    readonly TensorProgram _program;
    readonly RefinementOptions _options;
    readonly Node[] _gates;
    readonly IReadOnlyList<Node> _summed;

    public GatesByOrder(TensorProgram program, RefinementOptions options)
    {
        (_program, _options) = (program, options);
        _gates = options.ByOrder ? [.. program.Nodes.Where(IsGate)] : [];
        _summed = Summed(program, _gates);
    }

    /// <summary>Whether decisions may rest on what is equal in a state, and not on what is stuck alone.</summary>
    public bool SeesEquality => _summed.Count > 0;

    /// <summary>What is known of the gates in a state; null if nothing is.</summary>
    /// <param name="state">The candidate set.</param>
    /// <param name="block">Samples that are all the data there is; null for any data.</param>
    /// <param name="rowsPerRun">How many rows make one sample of the program.</param>
    public GateDecisions? Of(State state, SampleBlock? block, int rowsPerRun)
    {
        if (_gates.Length == 0) return null;
        var identities = block is null ? Identities(state) : [];
        var bounds = new Bounds(_program, node => Leaf(node, state, block, rowsPerRun), node => identities.GetValueOrDefault(node.Id), _options.Cancellation);
        var decisions = new GateDecisions();
        foreach (var gate in _gates) decisions.Add(gate.Id, gate.Primitive is Primitive.Choose ? Winners(gate, bounds.Of(gate)) : Decide(gate, bounds.Of(gate.Operands[0])));
        return decisions.IsEmpty ? null : decisions;
    }

    // Elements that are equal at a random point of the set are equal everywhere in it, up to a chance that two primes make far smaller than the bound of the proof.
    Dictionary<int, UInt128[]> Identities(State state)
    {
        if (_summed.Count == 0) return [];
        var values = new Dictionary<int, UInt128[]>();
        var seed = new RandomFunction(_options.Seed, RandomFunction.Purpose("identities")).Word((ulong)state.Classes);
        using var pool = new BufferPool(idleLimit: 1 << 22);
        FieldEvaluator<PrimeField>.Run(
            [PrimeField.Draw(seed), PrimeField.Draw(seed + 1)], seed, _options.Kinks, _program.WithOutputs([.. _summed.Select(node => (node.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), node))]),
            new RandomPoint(state, seed), new Workers(_options.Threads, _options.Cancellation), pool,
            (name, lane, start, chunk) =>
            {
                var id = int.Parse(name, System.Globalization.CultureInfo.InvariantCulture);
                if (!values.TryGetValue(id, out var numbers)) values.Add(id, numbers = new UInt128[_program.Nodes[id].Shape.Count]);
                for (var i = 0; i < chunk.Length; i++) numbers[start + i] = (numbers[start + i] << 64) + chunk[i];
            });
        return values;
    }

    // What a gate's argument sums up, in programs that are small enough to be run once more.
    static IReadOnlyList<Node> Summed(TensorProgram program, Node[] gates)
    {
        const double MostWork = 1 << 24;
        const long MostElements = 1 << 16;
        var needed = new bool[program.Nodes.Count];
        foreach (var gate in gates) needed[gate.Id] = true;
        var summed = new HashSet<Node>();
        double work = 0;
        foreach (var node in program.Nodes.Reverse())
        {
            if (!needed[node.Id]) continue;
            foreach (var operand in node.Operands) needed[operand.Id] = true;
            work += node.Shape.Count;
            if (node.Primitive is not Primitive.Contract contract) continue;
            double terms = node.Shape.Count;
            for (var axis = 0; axis < contract.Right.Length; axis++)
                if (!contract.Output.Contains(contract.Right[axis])) terms *= node.Operands[1].Shape[axis];
            work += terms;
            summed.UnionWith(node.Operands.Where(operand => operand.Shape.Count <= MostElements && operand.Primitive is not Primitive.Parameter));
        }

        return work <= MostWork ? [.. summed] : [];
    }

    static bool IsGate(Node node) => node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step or FunctionKind.Sign } or Primitive.Choose { Count: 1, Allowed: null };

    sbyte[] Decide(Node gate, IntervalTensor x)
    {
        var function = ((Primitive.Apply)gate.Primitive).Function;
        if (x.IsUniform) return [Decide(function, x[0])];
        var values = new sbyte[x.Shape.Count];
        for (var i = 0; i < values.Length; i++) values[i] = Decide(function, x[i]);
        return values;
    }

    // What is exactly zero sits on the kink, and is left to the conventions; so is a bound that other conventions would see otherwise.
    sbyte Decide(ScalarFunction function, Interval x)
    {
        if (x == Interval.Zero) return GateDecisions.Open;
        var isSign = function.Kind == FunctionKind.Sign;
        var atKink = !isSign && _options.Kinks == KinkConvention.Frameworks;
        if (x.High < 0 || (atKink && x.High <= 0 && function.AtZero == 0)) return (sbyte)(isSign ? -1 : 0);
        if (x.Low > 0 || (atKink && x.Low >= 0 && function.AtZero == 1)) return 1;
        return GateDecisions.Open;
    }

    // A choice is known where one element certainly gets all.
    static sbyte[] Winners(Node choice, IntervalTensor shares)
    {
        if (shares.IsUniform) return [GateDecisions.Open];
        var width = choice.Shape[choice.Shape.Rank - 1];
        var values = new sbyte[choice.Shape.Count];
        Array.Fill(values, GateDecisions.Open);
        for (var i = 0; i < values.Length; i++)
        {
            if (shares[i].Low < 1) continue;
            values.AsSpan(i / width * width, width).Clear();
            values[i] = 1;
        }

        return values;
    }

    IntervalTensor Leaf(Node node, State state, SampleBlock? block, int rowsPerRun)
    {
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter when state.Frozen(parameter.Name) is { } frozen:
                return Bounds.Of(frozen.Start, node.Shape);
            case Primitive.Parameter parameter:
                var tensor = state.IndexOf(parameter.Name);
                var codes = state.Codes[tensor];
                if (!codes.AsSpan().Contains(0)) return IntervalTensor.Uniform(node.Shape, Interval.Any);
                var start = Bounds.Of(state.Model.Parameters[tensor].Start, node.Shape);
                if (!codes.AsSpan().ContainsAnyExcept(0)) return start;
                var values = new Interval[codes.Length];
                for (var i = 0; i < values.Length; i++) values[i] = codes[i] == 0 ? start[i] : Interval.Any;
                return IntervalTensor.Of(node.Shape, values);
            case Primitive.Data { Kind: DataKind.Free or DataKind.Distribution } data when block is not null && block.Leaves.TryGetValue(data.Name, out var given):
                return Samples(given, block.Rows, node.Shape, rowsPerRun);
            case Primitive.Data { Kind: DataKind.Distribution }:
                return IntervalTensor.Uniform(node.Shape, new Interval(0, 1));
            case Primitive.Data { Kind: DataKind.Mask }:
                return IntervalTensor.Uniform(node.Shape, Interval.NotNegative);
            case Primitive.Data { Kind: DataKind.Free } when block is null && _options.InputRange is { } range:
                return IntervalTensor.Uniform(node.Shape, range);
            default:
                return IntervalTensor.Uniform(node.Shape, Interval.Any);
        }
    }

    static IntervalTensor Samples(LeafValues given, int rows, Shape shape, int rowsPerRun)
    {
        var all = shape[0] * rowsPerRun;
        var width = (int)(shape.Count / all);
        var values = new Interval[shape.Count];
        if (given is IndexValues indices)
        {
            for (var row = 0; row < all; row++)
                for (var place = 0; place < indices.Places; place++)
                    values[row * width + place * indices.Choices + indices.Indices[row % rows * indices.Places + place]] = new Interval(1, 1);
            return IntervalTensor.Of(shape, values);
        }

        var numbers = (NumberValues)given;
        var offset = 0;
        for (var column = 0; column < numbers.Columns.Count; offset += numbers.Widths[column++])
        {
            var wide = numbers.Widths[column];
            var nearest = new double[rows * wide];
            numbers.Columns[column].ReadNearest(0, nearest);
            var around = Bounds.Around(numbers.Columns[column], nearest);
            for (var row = 0; row < all; row++)
                for (var i = 0; i < wide; i++)
                    values[row * width + offset + i] = around[row % rows * wide + i];
        }

        return IntervalTensor.Of(shape, values);
    }
}
