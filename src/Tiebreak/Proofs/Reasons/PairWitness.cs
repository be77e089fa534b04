using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs.Reasons;

/// <summary>Real gradient descent from the real start, until two classes are seen apart, or one is seen to move.</summary>
static class PairWitness
{
    const int Runs = 30;
    const int MoreSteps = 4;
    const double Share = 0.25; // of the largest parameter: how far a step moves what moves most
    const double MostWork = 1L << 33; // multiplications: half a minute
    const long MostParameters = 1 << 24;

    /// <summary>Looks for a run; null if none was found, or the model is too large.</summary>
    /// <param name="model">The model; with a table, for one sample.</param>
    /// <param name="partition">Its smallest invariant set.</param>
    /// <param name="classes">One class that moves, or two that are apart.</param>
    /// <param name="rounds">The rounds that found the set.</param>
    /// <param name="options">Seed, threads, cancellation.</param>
    /// <param name="table">What data are drawn from; null for any data.</param>
    public static ExplainedWitness? Find(Model model, Partition partition, int[] classes, int rounds, RefinementOptions options, TableDraw? table)
    {
        if (model.Parameters.Sum(parameter => parameter.Shape.Count) > MostParameters) return null;
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var isExact = Witness.IsRational(gradient);
        var affordable = (long)(MostWork / Math.Max(1, Witness.Cost(gradient) * (isExact ? 1 : 2)));
        var starts = new ClassStarts(model, partition);
        using var field = isExact ? new FieldGradient(model, gradient, options, table) : null;
        var floats = isExact ? null : new FloatModel(model, gradient);
        var steps = classes.Max(number => partition.FirstSteps[number]) + rounds + MoreSteps;
        var seeds = new RandomFunction(options.Seed, RandomFunction.Purpose("witness of a pair"));
        for (var number = 1; number <= Runs; number++)
        {
            ITrainingRun training = field is not null
                ? new ExactTraining(starts, field, seeds.Word((ulong)number))
                : new FloatTraining(starts, floats!, StyleOf(number), Share, keepsLoss: number % 2 == 0, seeds.Word((ulong)number), table);
            for (var step = 1; step <= steps; step++)
            {
                options.Cancellation.ThrowIfCancellationRequested();
                if (affordable-- <= 0) return null;
                if (!training.Advance(step)) break;
                if (!IsSeen(training, starts, classes)) continue;
                return new ExplainedWitness(number, step, isExact, training is FloatTraining run ? [.. classes.Select(run.Value)] : [], Setting(isExact, number, table is not null));
            }
        }

        return null;
    }

    static DataStyle StyleOf(int number) => (DataStyle)((number - 1) % 5);

    static string Setting(bool isExact, int number, bool hasTable)
    {
        if (isExact) return $"{(hasTable ? "samples of the table" : "data")}, loss and learning rates drawn from the seed, modulo a prime";
        var data = hasTable ? "samples of the table" : $"data of the style `{StyleOf(number).ToString().ToLowerInvariant()}`";
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{data} and a loss drawn from the seed{(number % 2 == 0 ? ", the same at each step" : "")}, at learning rates that move what moves most by {Share} of the largest parameter");
    }

    static bool IsSeen(ITrainingRun training, ClassStarts starts, int[] classes)
    {
        if (classes.Length == 1 || starts.Magnitudes[classes[0]] != starts.Magnitudes[classes[1]]) return Array.TrueForAll(classes, training.HasMoved);
        Span<int> clusters = stackalloc int[2];
        training.Cluster(classes, clusters);
        return clusters[0] != clusters[1];
    }
}
