using System.Globalization;
using Tiebreak.Evaluation;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs.Reasons;

/// <summary>
/// What every element of a gradient program is at one random point of a set, in a random prime field. What is equal or zero there is so at every point of the set, up to a chance of about
/// 2⁻⁶⁰ times the degree: good enough to choose the words of a reason, while the verdict itself rests on the refinement's verifications.
/// </summary>
sealed class PointValues
{
    const long LargestKept = 1 << 22; // what is larger is summed anew for each element that is asked for
    const long MostKept = 1L << 29; // 4 GiB

    readonly PrimeField _field;
    readonly RandomPoint _point;
    readonly Dictionary<int, ulong[]> _kept;
    readonly bool[] _isCovered;

    PointValues(PrimeField field, RandomPoint point, Dictionary<int, ulong[]> kept, bool[] isCovered) => (_field, _point, _kept, _isCovered) = (field, point, kept, isCovered);

    /// <summary>How many values would be kept.</summary>
    public static long Size(TensorProgram program, IEnumerable<Node> roots) => Kept(program, roots, out _).Sum(node => node.Shape.Count);

    /// <summary>Evaluates all that the given nodes depend on.</summary>
    /// <param name="program">The gradient program.</param>
    /// <param name="roots">The nodes whose reasons will be asked for.</param>
    /// <param name="state">The set to draw a point of.</param>
    /// <param name="options">Seed, kinks, gates, cancellation.</param>
    /// <param name="block">Samples that are all the data there is; null for any data.</param>
    /// <param name="rowsPerRun">How many rows make one sample of the program.</param>
    /// <exception cref="TiebreakException">The values would not fit in memory.</exception>
    public static PointValues At(TensorProgram program, IEnumerable<Node> roots, State state, RefinementOptions options, SampleBlock? block = null, int rowsPerRun = 1)
    {
        var kept = Kept(program, roots, out var isCovered);
        var total = kept.Sum(node => node.Shape.Count);
        if (total > MostKept) throw new TiebreakException($"a reason would need {total:N0} values of the model in memory, and {MostKept:N0} are the limit; give smaller sizes with `--dim` or `--batch`");
        var gates = new GatesByOrder(program, options).Of(state, block, rowsPerRun);
        using var pool = new BufferPool(idleLimit: 1 << 22);
        for (var attempt = 0UL; ; attempt++)
        {
            var seed = new RandomFunction(options.Seed, RandomFunction.Purpose("reasons")).Word(attempt);
            var field = PrimeField.Draw(seed);
            var values = kept.ToDictionary(node => node.Id, node => new ulong[node.Shape.Count]);
            var point = new RandomPoint(state, seed);
            try
            {
                FieldEvaluator<PrimeField>.Run(
                    [field], seed, options.Kinks, program.WithOutputs([.. kept.Select(node => (node.Id.ToString(CultureInfo.InvariantCulture), node))]), point,
                    new Workers(options.Threads, options.Cancellation), pool,
                    (name, _, start, chunk) => chunk.CopyTo(values[int.Parse(name, CultureInfo.InvariantCulture)].AsSpan((int)start)),
                    block is null ? null : new SamplePoint(block, rowsPerRun, seed), gates);
                return new PointValues(field, point, values, isCovered);
            }
            catch (DivideByZeroException) when (attempt < 8)
            {
                // The prime divides the denominator of a constant: draw another.
            }
        }
    }

    /// <summary>Whether the values of a node are known.</summary>
    public bool Covers(Node node) => _isCovered[node.Id];

    /// <summary>The value of an element.</summary>
    public ulong this[Element element]
    {
        get
        {
            if (Recipe.Source(element) is not { } source) return 0;
            if (_kept.TryGetValue(source.Node.Id, out var values)) return values[source.Index];
            if (source.Node.Primitive is Primitive.Parameter parameter)
            {
                Span<ulong> value = stackalloc ulong[1];
                _point.Fill(_field, 0, parameter.Name, source.Index, value);
                return value[0];
            }

            if (source.Node.Primitive is Primitive.Constant constant) return ExactImages.Image(_field, constant.Values[source.Index]);
            return Sum(Recipe.Of(source).Terms);
        }
    }

    /// <summary>The value of a sum.</summary>
    public ulong Sum(IReadOnlyList<Term> terms)
    {
        ulong sum = 0;
        foreach (var term in terms) sum = _field.Add(sum, Product(term));
        return sum;
    }

    /// <summary>The value of a term of a sum.</summary>
    public ulong Product(Term term)
    {
        var value = this[term.First];
        if (term.Second is { } second && value != 0) value = _field.Multiply(value, this[second]);
        return term.IsNegative ? _field.Negate(value) : value;
    }

    /// <summary>1 if two elements are equal, −1 if they are opposite and not zero, 0 if neither.</summary>
    public int Relation(Element left, Element right) => Relation(this[left], this[right]);

    /// <summary>The same of two values.</summary>
    public int Relation(ulong left, ulong right) => left == right ? 1 : _field.Add(left, right) == 0 ? -1 : 0;

    /// <summary>The sum of two values.</summary>
    public ulong Add(ulong left, ulong right) => _field.Add(left, right);

    /// <summary>The negative of a value.</summary>
    public ulong Negate(ulong value) => _field.Negate(value);

    // Leaves and copies are read where they come from; large sums (gradients of large tensors) are made on demand.
    static List<Node> Kept(TensorProgram program, IEnumerable<Node> roots, out bool[] isNeeded)
    {
        isNeeded = new bool[program.Nodes.Count];
        foreach (var root in roots) isNeeded[root.Id] = true;
        var kept = new List<Node>();
        for (var id = program.Nodes.Count - 1; id >= 0; id--)
        {
            if (!isNeeded[id]) continue;
            var node = program.Nodes[id];
            foreach (var operand in node.Operands) isNeeded[operand.Id] = true;
            var isMade = node.Primitive is not (Primitive.Parameter or Primitive.Constant or Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather or Primitive.Concat);
            var isSum = node.Primitive is Primitive.Add or Primitive.Negate or Primitive.Multiply or Primitive.Contract or Primitive.ReduceSum or Primitive.ScatterAdd;
            if (isMade && !(isSum && node.Shape.Count > LargestKept)) kept.Add(node);
        }

        return kept;
    }
}
