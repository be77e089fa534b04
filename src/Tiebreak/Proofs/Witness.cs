using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>
/// The other side of the answer (theory §4, "witnessed apart"): steps at which gradient descent from the real start moves the classes of a partition and tells them apart. Exact, in a
/// field, for programs of sums, products and quotients; in float64 for all others. What no run shows may be held by a linear law; what is neither stays undecided.
/// </summary>
public sealed record Witness
{
    const int RunsExact = 3;
    const int RunsFloat = 600;
    const int RunsBeforeLaws = 3;
    const int ShortRuns = 12; // those after them are as long as runs may be, for what must be driven far
    const int MoreSteps = 4;
    const int MostSteps = 40;
    const double MostWork = 1L << 34; // multiplications: about a minute
    const long MostParameters = 1 << 25;
    const int MostNames = 5;

    /// <summary>Whether the runs were exact; else they were in float64.</summary>
    public required bool IsExact { get; init; }

    /// <summary>The training runs that were needed.</summary>
    public required int Runs { get; init; }

    /// <summary>Every class that moved and was told apart from all others, with the run and step that showed it last.</summary>
    public required IReadOnlyList<WitnessedSplit> Splits { get; init; }

    /// <summary>The laws, if some class was left open without them and there are not too many classes.</summary>
    public ConservationLaws? Laws { get; init; }

    /// <summary>Classes that the partition calls moving and a law holds at their start.</summary>
    public IReadOnlyList<int> HeldByLaw { get; init; } = [];

    /// <summary>Classes that a law keeps equal or opposite to others.</summary>
    public IReadOnlyList<int> TiedByLaw { get; init; } = [];

    /// <summary>Classes of which neither a run nor a law decided whether they move, or part from the others that start alike.</summary>
    public IReadOnlyList<int> Open { get; init; } = [];

    /// <summary>The parameters in <see cref="Open"/>.</summary>
    public long Undecided { get; init; }

    /// <summary>Sentences about what was left open, for the report's notes.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The largest step at which something was seen for the last time; 0 if nothing was.</summary>
    public int LastStep => Splits.Count == 0 ? 0 : Splits.Max(split => split.Step);

    /// <summary>Looks for witnesses of all that a partition claims apart or moving.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">Its smallest invariant set.</param>
    /// <param name="rounds">The rounds that found it.</param>
    /// <param name="options">Seed, threads, cancellation.</param>
    /// <exception cref="InvalidOperationException">An exact run contradicts the partition: a bug.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static Witness Find(Model model, Partition partition, int rounds, RefinementOptions options) => Find(model, partition, rounds, options, table: null);

    /// <summary>The same on samples of a table.</summary>
    internal static Witness Find(Model model, Partition partition, int rounds, RefinementOptions options, TableDraw? table)
    {
        var gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        return new Search(model, partition, rounds, options, gradient, table).Run();
    }

    /// <summary>Whether a field computes the program as real numbers do.</summary>
    internal static bool IsRational(TensorProgram program)
    {
        var needed = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) needed[node.Id] = true;
        foreach (var node in program.Nodes.Reverse())
        {
            if (!needed[node.Id]) continue;
            if (node.Primitive is Primitive.Apply or Primitive.Choose) return false;
            foreach (var operand in node.Operands) needed[operand.Id] = true;
        }

        return true;
    }

    sealed class Search(Model model, Partition partition, int rounds, RefinementOptions options, TensorProgram gradient, TableDraw? table)
    {
        readonly ClassStarts _starts = new(model, partition);
        readonly bool _isExact = IsRational(gradient);
        int _strayed;
        bool _hasBegun;
        ConservationLaws? _laws;
        bool _askedForLaws;

        public Witness Run()
        {
            var separation = new Separation(_starts);
            // What starts late needs its steps, whatever the cap.
            var last = partition.FirstSteps.DefaultIfEmpty(0).Max();
            var steps = Math.Max(Math.Min(last + rounds + MoreSteps, MostSteps), last + MoreSteps);
            var cost = Cost(gradient) * (_isExact ? 1 : 2);
            var parameters = partition.Codes.Sum(codes => (long)codes.Length);
            var affordable = parameters > MostParameters ? 0 : (long)(MostWork / Math.Max(1, cost));
            var number = 0;
            if (!separation.IsComplete && affordable > 0)
            {
                using var field = new FieldGradient(model, gradient, options, table);
                var floats = _isExact ? null : new FloatModel(model, gradient);
                while (number < (_isExact ? RunsExact : RunsFloat) && affordable > 0 && !separation.IsComplete && !(number >= RunsBeforeLaws && IsDecided(separation)))
                {
                    number++;
                    options.Progress?.Invoke($"training run {number}");
                    ITrainingRun training = floats is null ? new ExactTraining(_starts, field, SeedOf(number)) : Floating(floats, number);
                    var length = number <= ShortRuns ? steps : Math.Max(steps, MostSteps);
                    for (var step = 1; step <= length && affordable > 0 && !separation.IsComplete; step++, affordable--)
                    {
                        options.Cancellation.ThrowIfCancellationRequested();
                        if (!training.Advance(step)) break;
                        separation.Observe(training, number, step);
                    }

                    if (training is FloatTraining { HasStrayed: true }) _strayed++;
                    _hasBegun |= training is not FloatTraining { HasBegun: false };
                }
            }

            return Result(separation, number, affordable > 0 || separation.IsComplete);
        }

        // All combinations of data and learning rate come up in the course of fifteen runs.
        FloatTraining Floating(FloatModel floats, int number)
        {
            double[] shares = [0.25, 0.0625, 1];
            return new FloatTraining(_starts, floats, (DataStyle)((number - 1) % 5), shares[(number - 1) % shares.Length], keepsLoss: number % 2 == 0, SeedOf(number), table);
        }

        ulong SeedOf(int number) => new RandomFunction(options.Seed, RandomFunction.Purpose("witness")).Word((ulong)number);

        bool IsDecided(Separation separation) => separation.Open.All(IsTied) && separation.Unmoved.All(number => Laws() is { } laws && laws.Codes[number] == 0);

        bool IsTied(int[] block) => Laws() is { } laws && Array.TrueForAll(block, number => Math.Abs(laws.Codes[number]) == Math.Abs(laws.Codes[block[0]]));

        ConservationLaws? Laws()
        {
            // The rows that decide ties do not decide laws: one that holds on them may fail on another row.
            if (!_askedForLaws && table is null) _laws = ConservationLaws.Find(model, partition, options);
            _askedForLaws = true;
            return _laws;
        }

        Witness Result(Separation separation, int runs, bool hasFinished)
        {
            var undecided = new HashSet<int>(separation.Unmoved.Where(number => Laws() is not { } laws || laws.Codes[number] != 0));
            foreach (var block in separation.Open)
                if (!IsTied(block)) undecided.UnionWith(block);
            var lawful = separation.Open.SelectMany(block => block).Concat(separation.Unmoved).Where(number => !undecided.Contains(number)).ToHashSet();
            if (lawful.Count > 0)
            {
                undecided.UnionWith(MereTies().Where(lawful.Contains));
                lawful.ExceptWith(undecided);
            }

            int[] open = [.. undecided.Order()];
            var count = undecided.Count == 0 ? 0 : partition.Codes.Sum(codes => codes.LongCount(code => undecided.Contains(Math.Abs(code))));
            int[] held = [.. lawful.Where(number => _laws!.Codes[number] == 0).Order()];
            int[] tied = [.. lawful.Where(number => _laws!.Codes[number] != 0).Order()];
            return new Witness
            {
                IsExact = _isExact,
                Runs = runs,
                Splits = separation.Splits(),
                Laws = _laws,
                HeldByLaw = held,
                TiedByLaw = tied,
                Open = open,
                Undecided = count,
                Notes = [.. Sentences(open, count, tied, hasFinished)],
            };
        }

        // A tie of the smallest invariant set is a law, too. Classes that it should have joined are not decided but wrong: found once more, from another seed.
        IEnumerable<int> MereTies()
        {
            var seed = SeedOf(-1);
            if ((table is null ? SmallestInvariantSet.Find(model, options with { Seed = seed }).Partition : table.FindAgain(seed)) is not { } smallest) return [];
            var classes = Enumerable.Range(1, partition.Classes).GroupBy(number => Math.Abs(smallest.Codes[_starts.Tensors[number]][_starts.Places[number]]));
            return classes.Where(same => same.Key == 0 || same.Count() > 1).SelectMany(same => same);
        }

        IEnumerable<string> Sentences(int[] open, long count, int[] tied, bool hasFinished)
        {
            if (count > 0)
            {
                var names = string.Join(", ", open.Take(MostNames).Select(number => $"`{_starts.NameOf(number)}`")) + (open.Length > MostNames ? " and others" : "");
                var why = !hasFinished ? "; training was stopped, as the model is large" : _isExact || _hasBegun ? "" : "; no data were found for which its values and gradients are finite";
                yield return $"{count:N0} {(count == 1 ? "parameter is" : "parameters are")} undecided: no law holds {names} together or in place, and no training run told them apart or moved them{why}";
            }

            if (tied.Length > 0) yield return $"a linear law of gradient descent and momentum keeps together classes that patterns call free, among them {string.Join(", ", tied.Take(MostNames).Select(number => $"`{_starts.NameOf(number)}`"))}";
            if (_strayed > 0 && count > 0) yield return $"{_strayed} training {(_strayed == 1 ? "run was" : "runs were")} cut short, as rounding pulled members of a class apart";
        }

    }

    /// <summary>Multiplications and moves of one evaluation of a program.</summary>
    internal static double Cost(TensorProgram program) => program.Nodes.Sum(node =>
    {
        if (node.Primitive is not Primitive.Contract contract) return node.Shape.Count;
        double work = node.Shape.Count;
        for (var axis = 0; axis < contract.Left.Length; axis++)
            if (!contract.Output.Contains(contract.Left[axis])) work *= node.Operands[0].Shape[axis];
        return work;
    });
}
