using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>How far two sets of start values make one program compute the same.</summary>
/// <param name="IsKept">Whether all outputs are equal in a finite field at random data, so that the functions are the same in exact arithmetic.</param>
/// <param name="Absolute">The largest difference of an output in float64 on random data; NaN where the model is too large, or no data gave finite numbers.</param>
/// <param name="Relative">The largest difference as a share of the larger of the two numbers.</param>
/// <param name="Ulps">The largest difference in units of the last place of the larger of the two.</param>
public sealed record FunctionChange(bool IsKept, double Absolute, double Relative, double Ulps)
{
    const int FieldPoints = 2;

    /// <summary>Compares.</summary>
    /// <param name="before">The model.</param>
    /// <param name="after">The same program with other start values.</param>
    /// <param name="options">Seed, threads, cancellation.</param>
    public static FunctionChange Between(Model before, Model after, RefinementOptions options)
    {
        var isKept = IsEqual(before, after, options);
        var difference = FloatDifference.Between(before, after, options, areEqual: isKept);
        return new FunctionChange(isKept, difference?.Absolute ?? double.NaN, difference?.Relative ?? double.NaN, difference?.Ulps ?? double.NaN);
    }

    /// <summary>Whether all outputs are equal at random data in a field.</summary>
    public static bool IsEqual(Model before, Model after, RefinementOptions options)
    {
        var met = 0;
        for (ulong attempt = 0; met < FieldPoints && attempt < 8; attempt++)
        {
            var seed = new RandomFunction(options.Seed, RandomFunction.Purpose("field comparison")).Word(attempt);
            var field = PrimeField.Draw(seed);
            if (Outputs(before, field, seed, options) is not { } one) continue;
            if (Outputs(after, field, seed, options) is not { } other || !one.All(output => output.Value.AsSpan().SequenceEqual(other[output.Key]))) return false;
            met++;
        }

        return met > 0;
    }

    // Null where the field is unlucky: a denominator is a multiple of its prime, or the program divides by zero.
    static Dictionary<string, ulong[]>? Outputs(Model model, PrimeField field, ulong seed, RefinementOptions options)
    {
        var outputs = model.Program.Outputs.ToDictionary(output => output.Name, output => new ulong[output.Node.Shape.Count], StringComparer.Ordinal);
        using var pool = new BufferPool(idleLimit: 1 << 22);
        var gates = new GatesByOrder(model.Program, options).Of(State.AllStuck(model), block: null, rowsPerRun: 1); // what is read from a relu that never opens does not count
        try
        {
            var events = FieldEvaluator<PrimeField>.Run(
                [field], seed, options.Kinks, model.Program, new StartPoint(model), new Workers(options.Threads, options.Cancellation), pool,
                (name, _, start, chunk) => chunk.CopyTo(outputs[name].AsSpan((int)start)), data: null, gates);
            return events.Singularities.Count == 0 ? outputs : null;
        }
        catch (DivideByZeroException)
        {
            return null;
        }
    }

    sealed class StartPoint(Model model) : IParameterPoint
    {
        readonly Dictionary<string, ExactTensor> _starts = model.Parameters.Concat(model.Frozen).ToDictionary(parameter => parameter.Name, parameter => parameter.Start, StringComparer.Ordinal);

        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField => ExactImages.Fill(field, _starts[name], start, values);
    }
}
