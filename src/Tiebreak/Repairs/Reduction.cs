using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>
/// Makes the smaller model: copies of whole sub-networks first, then units. Each step is tried out: the smaller file is written, read again and held against the large model at random points of a field; what does not
/// come out the same, or cannot be said by the operators of the file, is found by halving and left as it is.
/// </summary>
sealed class Reduction
{
    static readonly Dictionary<string, TensorPlan> NoPlans = new(StringComparer.Ordinal);

    readonly RefinementOptions _refinement;
    readonly Func<string, IModelFile> _open;
    readonly Func<StagedFiles> _scratch;
    readonly List<string> _left = [];
    readonly bool _isForTraining;

    Reduction(RefinementOptions refinement, Func<string, IModelFile> open, Func<StagedFiles> scratch, bool isForTraining) => (_refinement, _open, _scratch, _isForTraining) = (refinement, open, scratch, isForTraining);

    /// <summary>Finds the smaller model.</summary>
    /// <param name="subject">The large one.</param>
    /// <param name="open">Opens a model of its kind.</param>
    /// <param name="scratch">A place to write trials to, which nobody keeps.</param>
    /// <param name="isForTraining">Whether it must also train alike.</param>
    /// <param name="refinement">Seed, order, threads, cancellation.</param>
    public static SmallModel Of(LargeModel subject, Func<string, IModelFile> open, Func<StagedFiles> scratch, bool isForTraining, RefinementOptions refinement)
    {
        var reduction = new Reduction(refinement, open, scratch, isForTraining);
        var copies = reduction.WithoutCopies(subject);
        return reduction.WithoutRepeatedUnits(subject, copies);
    }

    Shrinking? WithoutCopies(LargeModel subject)
    {
        _refinement.Progress?.Invoke("copies");
        var same = Repairs.Copies.Find(subject.Model, Run(subject.Model, subject.State, 0), _isForTraining);
        if (same.Count == 0) return null;
        var shrinking = new Shrinking { Model = subject.Model, Same = same };
        var before = Weights(subject.Model);
        return Tried(subject, subject.File, shrinking, NoPlans, (small, _) => Weights(small) < before) is null ? shrinking : null;
    }

    SmallModel WithoutRepeatedUnits(LargeModel subject, Shrinking? copies)
    {
        StagedFiles? files = null;
        IModelFile? own = null;
        try
        {
            var (file, model, state) = (subject.File, subject.Model, subject.State);
            if (copies is not null)
            {
                files = _scratch();
                subject.File.WriteShrunk(files, copies);
                file = own = _open(files.StagedModel);
                model = subject.Lower(own);
                state = ShrunkPoint.StateOf(model, subject.Model, subject.State, NoPlans);
            }

            return Merged(subject, copies, file, model, state);
        }
        finally
        {
            own?.Dispose();
            files?.Dispose();
        }
    }

    SmallModel Merged(LargeModel subject, Shrinking? copies, IModelFile file, Model model, State state)
    {
        _refinement.Progress?.Invoke("units");
        var others = subject.OtherSizes(file);
        var run = Run(model, state, 1);
        Shrinking? found = null;
        IReadOnlyDictionary<string, TensorPlan> plans = NoPlans;
        var banned = new List<(int Node, int Axis)>();
        foreach (var alike in new[] { true, false })
        {
            var options = new MergingOptions(alike, DropDead: true, SumsOfEqualsOnly: _isForTraining, banned);
            var merging = UnitMerging.Find(model, run, options);
            var dimensions = merging.Dimensions();
            if (dimensions.Count == 0) break;
            var reason = Try([]);
            if (reason is null) break;
            if (alike) continue; // what is averaged over often cannot shrink: without that first

            var accepted = new HashSet<int>();
            Halve([.. Enumerable.Range(0, dimensions.Count)]);
            banned.AddRange(dimensions.Where((_, k) => !accepted.Contains(k)).SelectMany(axes => axes).Select(at => (at.Node.Id, at.Axis)));
            if (accepted.Count == 0) (found, plans) = (null, NoPlans);

            void Halve(int[] part)
            {
                var without = Enumerable.Range(0, dimensions.Count).Where(k => !accepted.Contains(k) && !part.Contains(k)).ToArray();
                if (Try(without) is not { } problem)
                {
                    accepted.UnionWith(part);
                }
                else if (part.Length == 1)
                {
                    _left.Add($"{NameOf(dimensions[part[0]], model, merging)}: {problem}");
                }
                else
                {
                    Halve(part[..(part.Length / 2)]);
                    Halve(part[(part.Length / 2)..]);
                }
            }

            string? Try(int[] leftOut)
            {
                var trial = leftOut.Length == 0 && banned.Count == 0 ? merging
                    : UnitMerging.Find(model, run, options with { Banned = [.. banned, .. leftOut.SelectMany(k => dimensions[k]).Select(at => (at.Node.Id, at.Axis))] });
                var trialPlans = trial.Plans();
                var shrinking = new Shrinking { Model = model, OtherSizes = others, Kept = trial.Kept, Weights = NewWeights(model, trialPlans) };
                var problem = TooLarge(file, shrinking) ?? Tried(subject, file, shrinking, trialPlans, (_, _) => true);
                if (problem is null) (found, plans) = (shrinking, trialPlans);
                return problem;
            }
        }

        return new SmallModel(copies, found, plans, _left);
    }

    // What is wrong with a change of a file; null if nothing is.
    string? Tried(LargeModel subject, IModelFile file, Shrinking shrinking, IReadOnlyDictionary<string, TensorPlan> plans, Func<Model, IModelFile, bool> isWorthIt)
    {
        using var files = _scratch();
        try
        {
            file.WriteShrunk(files, shrinking);
            using var small = _open(files.StagedModel);
            return subject.Difference(small, shrinking, plans, _refinement, isWorthIt);
        }
        catch (TiebreakException error)
        {
            // Files of trials are nothing that anybody can look at.
            var message = error.Message;
            foreach (var path in file.Files.Append(files.StagedModel)) message = message.Replace(path + ": ", "", StringComparison.Ordinal).Replace(path, "it", StringComparison.Ordinal);
            return $"the file without them would not do ({message})";
        }
    }

    // A sum of weights may be beyond what the file can store.
    static string? TooLarge(IModelFile file, Shrinking shrinking)
    {
        foreach (var (name, (_, values)) in shrinking.Weights)
        {
            if (file.StoredAs(name) is not { } format) continue;
            var greatest = format switch { FloatFormat.Float64 => double.MaxValue, FloatFormat.Float32 => float.MaxValue, FloatFormat.BFloat16 => 3.3895313892515355e38, FloatFormat.Float16 => 65504, FloatFormat.Float8E5M2 => 57344, _ => 448 };
            var nearest = new double[values.Count];
            values.ReadNearest(0, nearest);
            if (nearest.Any(value => Math.Abs(value) > greatest)) return $"the sum of their weights in `{name}` is larger than its format ({Name(format)}) holds";
        }

        return null;
    }

    static string Name(FloatFormat format) => format switch { FloatFormat.Float64 => "float64", FloatFormat.Float32 => "float32", FloatFormat.BFloat16 => "bfloat16", FloatFormat.Float16 => "float16", _ => "8 bits" };

    PointRun Run(Model model, State state, int number) => Run(model, state, number, _refinement);

    /// <summary>One random point of a set, at which units are compared.</summary>
    public static PointRun Run(Model model, State state, int number, RefinementOptions options)
    {
        var (field, seed) = SameFunction.Draw(options, 100 + number);
        return new PointRun(model.Program, field, seed, new RandomPoint(state, seed), null, new GatesByOrder(model.Program, options).Of(state, null, 1), options);
    }

    static long Weights(Model model) => model.Parameters.Concat(model.Frozen).Sum(parameter => parameter.Shape.Count);

    static Dictionary<string, (Programs.Shape, ExactTensor)> NewWeights(Model model, IReadOnlyDictionary<string, TensorPlan> plans) =>
        model.Parameters.Concat(model.Frozen).Where(parameter => plans.ContainsKey(parameter.Name)).ToDictionary(parameter => parameter.Name, parameter => (plans[parameter.Name].Shape, plans[parameter.Name].Apply(parameter.Start)), StringComparer.Ordinal);

    // The units that would have gone, by a tensor that has them.
    static string NameOf(IReadOnlyList<NodeAxis> axes, Model model, UnitMerging merging)
    {
        var named = axes.FirstOrDefault(at => at.Node.Primitive is Programs.Primitive.Parameter);
        if (named.Node is { Primitive: Programs.Primitive.Parameter parameter })
        {
            var places = merging.Coordinates.Of(named.Node, named.Axis)!;
            var groups = Enumerable.Range(0, places.Length).GroupBy(k => merging.KeptOf(places[k])).ToArray();
            int[] dead = [.. groups.Where(group => group.Key < 0).SelectMany(group => group)];
            int[][] equal = [.. groups.Where(group => group.Key >= 0 && group.Skip(1).Any()).Select(group => group.ToArray())];
            return $"units {LeftUnits.Words(equal.Length > 0 ? equal : [dead])} along axis {named.Axis} of `{parameter.Name}` {(equal.Length > 0 ? "are equal" : "add nothing")} and stay";
        }

        var value = model.ValueNodes.FirstOrDefault(value => axes.Any(at => at.Node.Id == value.Value.Id));
        return value.Key is { } name ? $"places of `{name}` along an axis are equal and stay" : $"places of {axes[0].Node.Origin ?? "the model"} are equal and stay";
    }
}

/// <summary>The model that is to become smaller.</summary>
/// <param name="File">Its file.</param>
/// <param name="Model">Lowered with its weights named.</param>
/// <param name="State">Where its parameters may be.</param>
/// <param name="Lower">Lowers a file of its kind in the same way.</param>
/// <param name="Others">Other ways to lower it that must give the same: at other sizes, at the file's own batch.</param>
sealed record LargeModel(IModelFile File, Model Model, State State, Func<IModelFile, Model> Lower, IReadOnlyList<Func<IModelFile, Model>> Others)
{
    readonly Lazy<Model[]> _others = new(() => [.. Others.Select(lower => lower(File))]);
    readonly Dictionary<int, ulong[][][]> _outputs = []; // of this model, by what they are of: a trial is held against them again and again

    /// <summary>A file at the other sizes.</summary>
    public IReadOnlyList<Model> OtherSizes(IModelFile file) => [.. Others.Select(lower => lower(file))];

    /// <summary>What a smaller file does otherwise than this; null if nothing.</summary>
    public string? Difference(IModelFile file, Shrinking shrinking, IReadOnlyDictionary<string, TensorPlan> plans, RefinementOptions options, Func<Model, IModelFile, bool> isWorthIt)
    {
        var small = Exact(Lower(file), shrinking);
        if (!isWorthIt(small, file)) return "nothing would go";
        var isStart = State.Classes == 0;
        if (!isStart && Compare(0, Model, State, SameFunction.Points - 1, small) is { } difference) return difference;
        if (Compare(1, Model, State.AllStuck(Model), isStart ? SameFunction.Points : 1, small) is { } atStart) return atStart;
        for (var k = 0; k < Others.Count; k++)
        {
            var other = _others.Value[k];
            if (Compare(2 + k, other, new State(other, State.Codes, State.FirstSteps), 1, Exact(Others[k](file), shrinking)) is { } elsewhere) return $"{elsewhere}, at other sizes of the free dimensions";
        }

        return null;

        string? Compare(int number, Model large, State state, int points, Model now)
        {
            if (!_outputs.TryGetValue(number, out var outputs)) _outputs.Add(number, outputs = SameFunction.Outputs(large, state, points, options));
            return SameFunction.Difference(large, state, outputs, now, plans, options);
        }
    }

    // Sums are held against the large model before they are rounded to what a file stores.
    static Model Exact(Model small, Shrinking shrinking)
    {
        ParameterTensor Of(ParameterTensor parameter) => shrinking.Weights.TryGetValue(parameter.Name, out var weight) && weight.Values.Count == parameter.Shape.Count ? parameter with { Start = weight.Values } : parameter;
        return small with { Parameters = [.. small.Parameters.Select(Of)], Frozen = [.. small.Frozen.Select(Of)] };
    }
}

/// <summary>How a large model becomes a small one.</summary>
/// <param name="Copies">Copies to leave out first; null for none.</param>
/// <param name="Units">Units to merge then; null for none.</param>
/// <param name="Plans">What becomes of parameters.</param>
/// <param name="Left">What could not be changed, and why; a sentence each.</param>
sealed record SmallModel(Shrinking? Copies, Shrinking? Units, IReadOnlyDictionary<string, TensorPlan> Plans, IReadOnlyList<string> Left);
