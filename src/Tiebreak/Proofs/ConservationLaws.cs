using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>
/// Theory §8: the smallest affine set θ⁰ + L that training cannot leave. What is orthogonal to L is a linear law that gradient descent keeps for ever; ties and stuck
/// parameters are such laws, and some hold that no pattern shows: <c>a·x + 2·b·x + c·(b − 2a)·y</c> from zero never moves c.
/// <para>
/// An update of gradient descent is a multiple of a gradient, one of momentum a sum of such multiples: both stay in θ⁰ + L, so the laws hold for them. Adam and others scale each
/// parameter's update by itself and leave it. Functions are random oracles here, and gates too, so a law that is found holds for every function with the known properties.
/// </para>
/// </summary>
public sealed class ConservationLaws
{
    /// <summary>More classes than this are refused: the work grows with their cube.</summary>
    public const int MostClasses = 2000;

    const int Primes = 2;
    const int NothingNew = 3; // draws in a row that add nothing end the search; one overlooks a gradient outside L with chance about degree / 2⁶⁰

    const int Batch = 32; // vectors that are added at once while the space still grows
    const int ManyClasses = 256;

    ConservationLaws(int classes, int dimension, int[] codes, PrimeField field, LinearSpan span)
    {
        (Field, Span) = (field, span);
        Classes = classes;
        Dimension = dimension;
        Codes = codes;
    }

    /// <summary>The field in which the space was found.</summary>
    internal PrimeField Field { get; }

    /// <summary>L in that field; place 0 is unused.</summary>
    internal LinearSpan Span { get; }

    /// <summary>The number of classes of the partition: the degrees of freedom as patterns see them.</summary>
    public int Classes { get; }

    /// <summary>The dimension of L: the degrees of freedom that gradient descent really has.</summary>
    public int Dimension { get; }

    /// <summary>How many independent laws there are beyond ties and stuck parameters.</summary>
    public int Laws => Classes - Dimension;

    /// <summary>
    /// For each class of the partition 0 if a law holds it at its start, else a number: classes with one number stay equal for ever, and those with opposite numbers opposite; the first
    /// of each is positive. Index 0 is unused.
    /// </summary>
    public IReadOnlyList<int> Codes { get; }

    /// <summary>Finds all laws of a model in the coordinates of its classes; null if there are too many of them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">Its smallest invariant set, or any invariant set.</param>
    /// <param name="options">The seed, and what to take at kinks.</param>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static ConservationLaws? Find(Model model, Partition partition, RefinementOptions options) =>
        partition.Classes > MostClasses ? null : Find(model, partition, options, Primes);

    /// <summary>The same in any number of primes, however many classes there are.</summary>
    internal static ConservationLaws Find(Model model, Partition partition, RefinementOptions options, int primes)
    {
        options.Progress?.Invoke("linear laws");
        var program = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        using var gradient = new FieldGradient(model, program, options);
        var starts = new ClassStarts(model, partition);
        ConservationLaws? best = null;
        for (var prime = 0; prime < primes; prime++)
        {
            // A prime can only make vectors dependent that are not: the larger space is the true one.
            var found = Find(starts, gradient, new RandomFunction(options.Seed, RandomFunction.Purpose($"laws {prime}")), options.Progress);
            if (best is null || found.Dimension > best.Dimension) best = found;
        }

        return best!;
    }

    static ConservationLaws Find(ClassStarts starts, FieldGradient gradient, RandomFunction random, Action<string>? progress)
    {
        ulong draws = 0;
        ulong Fresh() => random.Word(draws++);
        var classes = starts.Partition.Classes;
        var (field, start) = gradient.Begin(Fresh());
        var (point, slopes) = (gradient.Zeros(), gradient.Zeros());
        var span = new LinearSpan(field, classes + 1);
        var step = new ulong[classes + 1]; // an element of L
        var nothingNew = 0;
        while (nothingNew < NothingNew && span.Dimension < classes)
        {
            var batch = classes >= ManyClasses && nothingNew == 0 ? Math.Min(Batch, classes - span.Dimension + 1) : 1;
            var found = new ulong[batch][];
            for (var k = 0; k < batch; k++)
            {
                Move(starts.Partition, field, start, step, point);
                found[k] = new ulong[classes + 1];
                if (gradient.TryEvaluate(field, Fresh(), point, slopes)) Slopes(starts, slopes, found[k]);
                // Cheaper than a fresh element of L, and as good while L still grows.
                ulong keep = random.Below(field.Modulus, draws++), add = random.Below(field.Modulus, draws++);
                for (var number = 0; number < step.Length; number++) step[number] = field.Add(field.Multiply(keep, step[number]), field.Multiply(add, found[k][number]));
            }

            if (batch > 1) progress?.Invoke($"linear laws: {100 * span.Dimension / classes} %");
            nothingNew = span.AddAll(found) == 0 ? nothingNew + 1 : 0;
            if (nothingNew > 0) step = span.Draw(Fresh());
        }

        return new ConservationLaws(classes, span.Dimension, Together(starts, field, span.Draw(Fresh()), span.Draw(Fresh())), field, span);
    }

    /// <summary>Whether laws are orthogonal to gradients along a training run in another field.</summary>
    internal static bool[] Hold(Model model, Partition partition, RefinementOptions options, IReadOnlyList<IReadOnlyList<(int Class, long Factor)>> laws)
    {
        const int Steps = 12;
        var program = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        using var gradient = new FieldGradient(model, program, options);
        var starts = new ClassStarts(model, partition);
        var random = new RandomFunction(options.Seed, RandomFunction.Purpose("laws again"));
        var (field, start) = gradient.Begin(random.Word(0));
        var (point, slopes) = (gradient.Zeros(), gradient.Zeros());
        var (step, slope) = (new ulong[partition.Classes + 1], new ulong[partition.Classes + 1]);
        var hold = Enumerable.Repeat(true, laws.Count).ToArray();
        for (var number = 1; number <= Steps; number++)
        {
            Move(partition, field, start, step, point);
            if (!gradient.TryEvaluate(field, random.Word((ulong)(3 * number)), point, slopes)) continue;
            Slopes(starts, slopes, slope);
            for (var law = 0; law < hold.Length; law++)
            {
                ulong sum = 0;
                foreach (var (of, factor) in laws[law])
                {
                    var term = field.Multiply(field.Reduce((ulong)Math.Abs(factor)), slope[of]);
                    sum = factor < 0 ? field.Subtract(sum, term) : field.Add(sum, term);
                }

                hold[law] &= sum == 0;
            }

            var rate = random.Below(field.Modulus, (ulong)(3 * number + 1));
            for (var k = 0; k < step.Length; k++) step[k] = field.Add(step[k], field.Multiply(rate, slope[k]));
        }

        return hold;
    }

    static void Slopes(ClassStarts starts, ulong[][] slopes, ulong[] ofClasses)
    {
        for (var number = 1; number < ofClasses.Length; number++) ofClasses[number] = slopes[starts.Tensors[number]][starts.Places[number]];
    }

    // The point θ⁰ + step: all members of a class move by its coordinate, times their sign.
    static void Move(Partition partition, PrimeField field, ulong[][] start, ulong[] step, ulong[][] point)
    {
        for (var tensor = 0; tensor < point.Length; tensor++)
        {
            var codes = partition.Codes[tensor];
            for (var k = 0; k < codes.Length; k++)
                point[tensor][k] = codes[k] >= 0 ? field.Add(start[tensor][k], step[codes[k]]) : field.Subtract(start[tensor][k], step[-codes[k]]);
        }
    }

    // e_c ⊥ L where random elements of L are zero at c; e_c ∓ e_d ⊥ L where they are equal or opposite.
    static int[] Together(ClassStarts starts, PrimeField field, ulong[] first, ulong[] second)
    {
        var codes = new int[first.Length];
        var numbers = new Dictionary<(ulong Magnitude, ulong First, ulong Second), (int Code, bool Negative)>();
        for (var number = 1; number < codes.Length; number++)
        {
            var (a, b) = (first[number], second[number]);
            if (a == 0 && b == 0) continue;
            var negative = starts.Signs[number] != 0 ? starts.Signs[number] < 0 : (a == 0 ? b : a) > field.Modulus / 2;
            if (negative) (a, b) = (field.Negate(a), field.Negate(b));
            if (!numbers.TryGetValue((starts.Magnitudes[number], a, b), out var known)) numbers.Add((starts.Magnitudes[number], a, b), known = (numbers.Count + 1, negative));
            codes[number] = negative == known.Negative ? known.Code : -known.Code;
        }

        return codes;
    }
}
