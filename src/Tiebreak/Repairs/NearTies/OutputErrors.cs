using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs.NearTies;

/// <summary>How far an output of one model is from another's, over all that was evaluated.</summary>
/// <param name="Name">The output.</param>
/// <param name="Largest">The largest difference of two numbers; NaN if none were compared.</param>
/// <param name="Mean">The mean difference; NaN if none were compared.</param>
/// <param name="Size">The largest number of the first model's output.</param>
/// <param name="Compared">How many numbers were compared: those that are finite in both models.</param>
/// <param name="Broken">Numbers that are finite in one model only.</param>
/// <param name="Skipped">Numbers that are finite in neither.</param>
public sealed record OutputError(string Name, double Largest, double Mean, double Size, long Compared, long Broken, long Skipped)
{
    /// <summary>The largest difference as a share of the output's largest number; infinite where all of those are zero and the differences are not.</summary>
    public double Relative => Largest == 0 ? 0 : Largest / Size;

    /// <summary>Whether all there was to compare was compared.</summary>
    public bool IsWhole => Compared > 0 && Broken == 0;
}

/// <summary>What a change of a model does to its outputs, measured in float64 with the numbers that are stored.</summary>
/// <param name="Data">The table whose rows were evaluated; null for random inputs.</param>
/// <param name="Samples">How many rows, or draws.</param>
/// <param name="Outputs">Each output.</param>
public sealed record OutputErrors(string? Data, long Samples, IReadOnlyList<OutputError> Outputs)
{
    const double UsualWork = 1L << 31; // multiplications on random inputs: plain loops need some seconds for these
    const double MostWork = 1L << 35; // for one input, below two minutes
    const int MostDraws = 256;
    const int RowsPerBlock = 1024;

    /// <summary>The output that changes most, as a share of its size.</summary>
    public OutputError Worst => Outputs.MaxBy(output => output.IsWhole ? output.Relative : double.PositiveInfinity)!;

    /// <summary>Measures on all rows of a table.</summary>
    /// <param name="before">The model as it was, at the sizes of the samples.</param>
    /// <param name="after">The other one; it need not read all that the first does.</param>
    /// <param name="samples">The table, bound to the first. Where a run takes several rows, the last is filled up with the first ones of its block.</param>
    /// <param name="options">Progress, cancellation.</param>
    internal static OutputErrors On(Model before, Model after, DataSet samples, RefinementOptions options)
    {
        var (together, path) = (samples.RowsPerRun, samples.Path);
        var tally = new Tally(before, after);
        long rows = 0;
        foreach (var block in samples.Read(Math.Max(1, RowsPerBlock / together) * together, options.Cancellation))
        {
            for (var first = 0; first < block.Rows; first += together)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                var start = first;
                tally.Add((leaf, shape) => block.Floats(leaf.Name, shape, start, together) ?? throw new TiebreakException($"{path}: has nothing for `{leaf.Name}`, so outputs cannot be compared on it"));
            }

            rows += block.Rows;
            options.Progress?.Invoke($"comparing, {rows:N0} rows");
        }

        return new OutputErrors(path, rows, tally.Errors());
    }

    /// <summary>Measures on random inputs, of the first kind that gives finite numbers.</summary>
    /// <returns>Null where the model is too large for that, or no inputs gave finite numbers.</returns>
    internal static OutputErrors? OnRandomInputs(Model before, Model after, RefinementOptions options)
    {
        var cost = Witness.Cost(before.Program);
        if (cost > MostWork) return null;
        var draws = (int)Math.Clamp(UsualWork / cost, 1, MostDraws);
        foreach (var style in new[] { DataStyle.Ones, DataStyle.Positive, DataStyle.Shares })
        {
            var tally = new Tally(before, after);
            for (var draw = 0; draw < draws; draw++)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                var seed = new RandomFunction(options.Seed, RandomFunction.Purpose("output error")).Word((ulong)draw);
                tally.Add((leaf, shape) => RandomData.Draw(leaf, shape, style, seed));
            }

            if (tally.HasAny) return new OutputErrors(null, draws, tally.Errors());
        }

        return null;
    }

    /// <summary>Adds up differences over evaluations.</summary>
    sealed class Tally(Model before, Model after)
    {
        // A softmax of large scores is finite in every framework, as they shift them first.
        readonly TensorProgram _one = ShiftedExponentials.Of(before.Program);
        readonly TensorProgram _other = ShiftedExponentials.Of(after.Program);
        readonly Dictionary<string, double[]> _before = FloatDifference.Floats(before);
        readonly Dictionary<string, double[]> _after = FloatDifference.Floats(after);
        readonly (double Largest, double Sum, double Size, long Count, long Broken, long Skipped)[] _sums = new (double, double, double, long, long, long)[before.Program.Outputs.Count];

        /// <summary>Whether there was anything finite.</summary>
        public bool HasAny => Array.Exists(_sums, sums => sums.Count + sums.Broken > 0);

        public void Add(Func<Primitive.Data, Shape, double[]> data)
        {
            var (one, other) = (Outputs(_one, _before), Outputs(_other, _after));
            for (var k = 0; k < _sums.Length; k++)
            {
                ref var sums = ref _sums[k];
                foreach (var (a, b) in one[k].Values.Zip(other[k].Values))
                {
                    if (!double.IsFinite(a) || !double.IsFinite(b))
                    {
                        if (double.IsFinite(a) || double.IsFinite(b)) sums.Broken++;
                        else sums.Skipped++;
                        continue;
                    }

                    var difference = Math.Abs(a - b);
                    (sums.Largest, sums.Size) = (Math.Max(sums.Largest, difference), Math.Max(sums.Size, Math.Abs(a)));
                    sums.Sum += difference;
                    sums.Count++;
                }
            }

            IReadOnlyList<OutputValues> Outputs(TensorProgram program, Dictionary<string, double[]> values) =>
                FloatEvaluator.Evaluate(program, node => node.Primitive is Primitive.Data leaf ? data(leaf, node.Shape) : values[((Primitive.Parameter)node.Primitive).Name]);
        }

        public IReadOnlyList<OutputError> Errors() =>
            [.. _sums.Zip(before.Program.Outputs, (sums, output) => new OutputError(output.Name, sums.Count == 0 ? double.NaN : sums.Largest, sums.Sum / sums.Count, sums.Size, sums.Count, sums.Broken, sums.Skipped))];
    }
}
