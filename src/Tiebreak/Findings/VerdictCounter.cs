using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>Counts a partition: for the whole model, for each tensor, and how many parameters of each tensor start at which step.</summary>
sealed class VerdictCounter
{
    internal VerdictCounter(VerdictCounts model, TensorCounts[] tensors, SortedDictionary<int, long>[] starts)
    {
        Model = model;
        Tensors = tensors;
        Starts = starts;
    }

    /// <summary>For the whole model.</summary>
    public VerdictCounts Model { get; }

    /// <summary>For each tensor.</summary>
    public IReadOnlyList<TensorCounts> Tensors { get; }

    /// <summary>For each tensor: first step → how many of its parameters have it.</summary>
    public IReadOnlyList<SortedDictionary<int, long>> Starts { get; }

    /// <summary>Counts; three passes and three bits a class.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">What to count.</param>
    /// <param name="cancellation">Stops the counting.</param>
    /// <param name="heldByLaw">Classes that a law is known to hold at their start: they have no first step.</param>
    public static VerdictCounter Count(Model model, Partition partition, CancellationToken cancellation, IReadOnlyList<int>? heldByLaw = null)
    {
        var seen = new ClassSet(partition.Classes);
        var several = new ClassSet(partition.Classes);
        var negative = new ClassSet(partition.Classes);
        foreach (var codes in partition.Codes)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var code in codes)
            {
                if (code == 0) continue;
                if (!seen.Add(Math.Abs(code))) several.Add(Math.Abs(code));
                if (code < 0) negative.Add(-code);
            }
        }

        var firstSteps = partition.FirstSteps as int[] ?? [.. partition.FirstSteps]; // one entry a class: not copied if it can be helped
        if (heldByLaw is { Count: > 0 })
        {
            firstSteps = [.. firstSteps];
            foreach (var number in heldByLaw) firstSteps[number] = 0;
        }

        var inTensor = new ClassSet(partition.Classes);
        var tensors = new TensorCounts[partition.Codes.Count];
        var starts = new SortedDictionary<int, long>[tensors.Length];
        for (var tensor = 0; tensor < tensors.Length; tensor++)
        {
            cancellation.ThrowIfCancellationRequested();
            (tensors[tensor], starts[tensor]) = Count(model.Parameters[tensor], partition.Codes[tensor], firstSteps, several, negative, inTensor);
        }

        return new VerdictCounter(
            new VerdictCounts(
                tensors.Sum(t => t.Parameters), partition.Classes, partition.Stuck, tensors.Sum(t => t.Lockstep), tensors.Sum(t => t.Mirrored),
                tensors.Length == 0 ? 0 : tensors.Max(t => t.FirstStepMax)),
            tensors, starts);
    }

    static (TensorCounts Counts, SortedDictionary<int, long> Starts) Count(
        ParameterTensor parameter, int[] codes, int[] firstSteps, ClassSet several, ClassSet negative, ClassSet inTensor)
    {
        long classes = 0;
        long stuck = 0, lockstep = 0, mirrored = 0;
        var starts = new SortedDictionary<int, long>();
        int step = 0;
        long run = 0; // parameters in a row with the same first step: neighbours mostly agree
        foreach (var code in codes)
        {
            var number = Math.Abs(code);
            if (number == 0)
            {
                stuck++;
                continue;
            }

            if (inTensor.Add(number)) classes++;
            if (several.Contains(number))
            {
                lockstep++;
                if (negative.Contains(number)) mirrored++;
            }

            if (firstSteps[number] != step)
            {
                if (run > 0) starts[step] = starts.GetValueOrDefault(step) + run;
                (step, run) = (firstSteps[number], 0);
            }

            run++;
        }

        if (run > 0) starts[step] = starts.GetValueOrDefault(step) + run;
        starts.Remove(0); // held by a law
        foreach (var code in codes) inTensor.Remove(Math.Abs(code)); // cheaper than a fresh set for each tensor
        var (min, max) = starts.Count == 0 ? (0, 0) : (starts.Keys.First(), starts.Keys.Last());
        return (new TensorCounts(parameter.Name, parameter.Shape.Sizes.ToArray(), codes.Length, classes, stuck, lockstep, mirrored, min, max), starts);
    }
}
