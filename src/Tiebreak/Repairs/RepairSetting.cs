using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>What all repairs of one model share.</summary>
/// <param name="options">What the user asked for.</param>
/// <param name="refinement">How sets are refined.</param>
/// <param name="storedAs">The format of each tensor's numbers; null for exact decimals.</param>
sealed class RepairSetting(FixOptions options, RefinementOptions refinement, Func<string, FloatFormat?> storedAs)
{
    const double MostWork = 1L << 34; // multiplications for the trials of one search: well below a minute
    const int ShortDecimals = 64; // numbers that a formula lists; more go into a file of doubles

    /// <summary>What the user asked for.</summary>
    public FixOptions Options => options;

    /// <summary>How sets are refined.</summary>
    public RefinementOptions Refinement => refinement;

    /// <summary>The smallest invariant set; null where the start makes NaN or infinity.</summary>
    public Partition? Refine(Model model) => SmallestInvariantSet.Find(model, refinement with { Progress = null }).Partition;

    /// <summary>How many refinements a search may take.</summary>
    public static int Affordable(Model model, Partition partition)
    {
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        return (int)Math.Min(10_000, MostWork / Math.Max(1, Witness.Cost(gradient) * (partition.FirstSteps.Max() + 4)));
    }

    /// <summary>The format that a tensor's numbers are rounded to; where decimals are exact that of a float32, whose decimals are short. Asked for once a tensor, as the file is searched for it.</summary>
    public FloatFormat Format(ParameterTensor tensor) => storedAs(tensor.Name) ?? FloatFormat.Float32;

    /// <summary>Values, rounded to <see cref="Format"/>, as the tensor will hold them.</summary>
    public ExactTensor Exact(ParameterTensor tensor, double[] values) =>
        storedAs(tensor.Name) is null && values.Length <= ShortDecimals
            ? new RationalTensor([.. values.Select(value => Rational.Parse(((float)value).ToString("R", System.Globalization.CultureInfo.InvariantCulture)))])
            : new DoubleTensor(values);

    /// <summary>The format of a tensor's numbers; null where they are exact decimals.</summary>
    public FloatFormat? StoredAs(ParameterTensor tensor) => storedAs(tensor.Name);

    /// <summary>The same, but numbers that did not change stay exactly what they are, be they decimals that no double holds.</summary>
    public ExactTensor Kept(ParameterTensor tensor, double[] old, double[] values)
    {
        var exact = Exact(tensor, values);
        return exact is RationalTensor || !tensor.Start.HasDoubles
            ? new RationalTensor([.. Enumerable.Range(0, values.Length).Select(k => values[k] == old[k] ? tensor.Start[k] : exact[k])])
            : exact;
    }

    /// <summary>Random words that belong to one tensor and one purpose.</summary>
    public RandomFunction Random(ParameterTensor tensor, string purpose) => new(options.Check.Seed, RandomFunction.Purpose($"{purpose} {tensor.Name}"));

    /// <summary>Says what is going on, and stops if that is asked for.</summary>
    public void Progress(string stage)
    {
        refinement.Cancellation.ThrowIfCancellationRequested();
        refinement.Progress?.Invoke(stage);
    }
}
