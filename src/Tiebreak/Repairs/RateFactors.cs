using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// The learning rates with which the small model trains step by step as the large one does under gradient descent. A parameter p of the small model is a sum of the large one's; in a step these move by −λ·g each, so
/// together by −λ·Σg, where the small model's own gradient is ∂p: its factor is Σg/∂p, the same at every point of the invariant set. Measured exactly at one random point of a field, held against a second.
/// </summary>
static class RateFactors
{
    /// <summary>The factors of all parameters of the small model, row-major; null where some factor is no constant.</summary>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static IReadOnlyList<TensorRates>? Of(Model large, State state, Model small, IReadOnlyDictionary<string, TensorPlan> plans, RefinementOptions options)
    {
        Rational[][]? factors = null;
        for (var number = 11; number <= 12; number++)
        {
            var (field, seed) = SameFunction.Draw(options, number);
            var point = new RandomPoint(state, seed);
            var shrunk = new ShrunkPoint(field, seed, point, plans);
            var before = Gradients(large, state, field, seed, point, null, options);
            var after = Gradients(small, ShrunkPoint.StateOf(small, large, state, plans), field, seed, shrunk, shrunk, options);
            if (factors is null)
            {
                factors = new Rational[small.Parameters.Count][];
                for (var k = 0; k < factors.Length; k++)
                {
                    if (Ratios(small.Parameters[k], before, after, plans, field) is not { } ratios) return null;
                    factors[k] = ratios;
                }
            }
            else if (!Hold(small, factors, before, after, plans, field))
            {
                return null;
            }
        }

        return [.. small.Parameters.Select((parameter, k) => TensorRates.Of(parameter.Name, parameter.Shape, factors![k]))];
    }

    static Rational[]? Ratios(ParameterTensor parameter, Dictionary<string, ulong[]> before, Dictionary<string, ulong[]> after, IReadOnlyDictionary<string, TensorPlan> plans, PrimeField field)
    {
        var (moves, slopes) = (Moves(parameter, before, plans, field), after.GetValueOrDefault(parameter.Name) ?? new ulong[parameter.Shape.Count]);
        var known = new Dictionary<ulong, Rational>();
        var ratios = new Rational[moves.Length];
        for (var k = 0; k < ratios.Length; k++)
        {
            ratios[k] = Rational.One; // what has no gradient does not move at any rate
            if (slopes[k] == 0 && moves[k] == 0) continue;
            if (slopes[k] == 0) return null;
            var ratio = moves[k] == slopes[k] ? 1 : field.Multiply(moves[k], field.Inverse(slopes[k]));
            if (!known.TryGetValue(ratio, out var fraction))
            {
                if (WholeNumbers.Fraction(field, ratio) is not var (numerator, denominator)) return null;
                known.Add(ratio, fraction = new Rational(numerator, denominator));
            }

            ratios[k] = fraction;
        }

        return ratios;
    }

    static bool Hold(Model small, Rational[][] factors, Dictionary<string, ulong[]> before, Dictionary<string, ulong[]> after, IReadOnlyDictionary<string, TensorPlan> plans, PrimeField field)
    {
        for (var tensor = 0; tensor < factors.Length; tensor++)
        {
            var parameter = small.Parameters[tensor];
            var (moves, slopes) = (Moves(parameter, before, plans, field), after.GetValueOrDefault(parameter.Name) ?? new ulong[parameter.Shape.Count]);
            for (var k = 0; k < moves.Length; k++)
                if (moves[k] != field.Multiply(slopes[k], factors[tensor][k] == Rational.One ? 1 : ExactImages.Image(field, factors[tensor][k]))) return false;
        }

        return true;
    }

    static ulong[] Moves(ParameterTensor parameter, Dictionary<string, ulong[]> before, IReadOnlyDictionary<string, TensorPlan> plans, PrimeField field)
    {
        if (!before.TryGetValue(parameter.Name, out var gradient)) return new ulong[parameter.Shape.Count];
        return plans.TryGetValue(parameter.Name, out var plan) ? plan.Apply(gradient, field.Add, field.Negate) : gradient;
    }

    static Dictionary<string, ulong[]> Gradients(Model model, State state, PrimeField field, ulong seed, Evaluation.IParameterPoint point, Evaluation.IDataPoint? data, RefinementOptions options)
    {
        var program = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var gates = new GatesByOrder(program, options).Of(state, null, 1);
        var names = program.Outputs.ToLookup(output => output.Node.Id, output => output.Name);
        var gradients = program.Outputs.ToDictionary(output => output.Name, output => new ulong[output.Node.Shape.Count], StringComparer.Ordinal);
        new PointRun(program, field, seed, point, data, gates, options).Evaluate([.. program.Outputs.Select(output => output.Node).DistinctBy(node => node.Id)], (node, start, chunk) =>
        {
            foreach (var name in names[node.Id]) chunk.CopyTo(gradients[name].AsSpan((int)start));
        });
        return gradients;
    }
}

/// <summary>The learning-rate factors of one tensor: their product along the axes.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Axes">For each axis a factor a place; one entry where the axis makes no difference.</param>
/// <param name="Scale">What all are multiplied with.</param>
/// <param name="Other">All factors, row-major, where they are no such product; else null.</param>
public sealed record TensorRates(string Name, Rational Scale, IReadOnlyList<IReadOnlyList<Rational>> Axes, IReadOnlyList<Rational>? Other)
{
    /// <summary>Whether nothing is to be changed.</summary>
    public bool IsOne => Other is null && Scale == Rational.One && Axes.All(axis => axis.Count == 1);

    /// <summary>Whether all factors are zero: nothing of it moves in the large model.</summary>
    public bool IsZero => Other is null && Scale.IsZero;

    /// <summary>Takes factors apart by axis.</summary>
    internal static TensorRates Of(string name, Programs.Shape shape, Rational[] factors)
    {
        if (factors.Length == 0) return new TensorRates(name, Rational.One, [], null);
        if (Array.TrueForAll(factors, factor => factor == factors[0])) return new TensorRates(name, factors[0], [.. Enumerable.Repeat<IReadOnlyList<Rational>>([Rational.One], shape.Rank)], null);
        var strides = shape.Strides();
        var scale = factors[0];
        var axes = new Rational[shape.Rank][];
        for (var axis = 0; axis < axes.Length; axis++)
        {
            axes[axis] = [.. Enumerable.Range(0, shape[axis]).Select(place => factors[place * strides[axis]] / scale)];
            if (Array.TrueForAll(axes[axis], factor => factor == Rational.One)) axes[axis] = [Rational.One];
        }

        for (var k = 0; k < factors.Length; k++)
        {
            var product = scale;
            for (var axis = 0; axis < axes.Length; axis++)
                if (axes[axis].Length > 1) product *= axes[axis][k / strides[axis] % shape[axis]];
            if (product != factors[k]) return new TensorRates(name, Rational.One, [], factors);
        }

        return new TensorRates(name, scale, axes, null);
    }

    /// <summary>One factor, row-major.</summary>
    public Rational At(Programs.Shape shape, long index)
    {
        if (Other is not null) return Other[(int)index];
        var (strides, product) = (shape.Strides(), Scale);
        for (var axis = 0; axis < Axes.Count; axis++)
            if (Axes[axis].Count > 1) product *= Axes[axis][(int)(index / strides[axis] % shape[axis])];
        return product;
    }
}
