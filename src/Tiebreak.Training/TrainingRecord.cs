using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Training;

/// <summary>What training did, held against what was predicted: how far apart the members of each class were, how far stuck parameters moved, when the others first moved or separated.</summary>
public sealed class TrainingRecord
{
    const int MostClassesRecorded = 200;
    const int MostLines = 60;
    const int MostClassesCompared = 512;
    const int MostStepsRecorded = 20_000;

    readonly Partition _partition;
    readonly Member[][] _classes; // index 0 is the stuck part
    readonly double[] _spread;
    readonly int[] _firstMoved;
    readonly double[] _firstMovement;
    readonly int[] _firstApart;
    readonly int[] _separated;
    readonly List<List<int>> _together = [];
    readonly List<StepRecord> _steps = [];
    readonly double _tolerance;
    int _every = 1;

    internal TrainingRecord(Model model, Partition partition, TrainingOptions options)
    {
        _partition = partition;
        Model = model;
        _tolerance = options.Numbers switch { TrainingNumbers.Exact => 0, TrainingNumbers.Float64 => 1e-9, _ => 1e-4 };
        var members = new List<Member>[partition.Classes + 1];
        for (var number = 0; number < members.Length; number++) members[number] = [];
        var parameter = 0;
        for (var tensor = 0; tensor < partition.Codes.Count; tensor++)
            for (var index = 0; index < partition.Codes[tensor].Length; index++)
                members[Math.Abs(partition.Codes[tensor][index])].Add(new Member(parameter++, tensor, index, Math.Sign(partition.Codes[tensor][index])));
        _classes = [.. members.Select(list => list.ToArray())];
        _spread = new double[_classes.Length];
        _firstMoved = new int[_classes.Length];
        _firstMovement = new double[_classes.Length];
        _firstApart = new int[_classes.Length];
        _separated = new int[_classes.Length];
        foreach (var group in Enumerable.Range(1, partition.Classes).GroupBy(number => Start(number)))
            if (group.Count() is > 1 and <= MostClassesCompared) _together.Add([.. group]);
        Recorded = [.. Enumerable.Range(1, partition.Classes).Where(number => _classes[number].Length > 1).Take(MostClassesRecorded)];
        var all = _classes.Skip(1).SelectMany((list, number) => list.Select(member => (Class: number + 1, member.Parameter))).OrderBy(line => line.Parameter).ToArray();
        var stride = 1 + (all.Length - 1) / MostLines;
        Lines = [.. all.Where((_, k) => k % stride == 0)];
    }

    /// <summary>The model that was trained.</summary>
    public Model Model { get; }

    /// <summary>One entry for each step that was recorded: all of them in short runs, evenly spaced ones in long runs.</summary>
    public IReadOnlyList<StepRecord> Steps => _steps;

    /// <summary>The classes whose spread is recorded at every step: those of two or more members.</summary>
    public IReadOnlyList<int> Recorded { get; }

    /// <summary>The parameters whose values are recorded for pictures, with their classes.</summary>
    public IReadOnlyList<(int Class, int Parameter)> Lines { get; }

    /// <summary>How many classes were predicted.</summary>
    public int Classes => _partition.Classes;

    /// <summary>How many classes have two or more members.</summary>
    public int SharedClasses => _classes.Skip(1).Count(members => members.Length > 1);

    /// <summary>The largest distance there ever was within a class.</summary>
    public double LargestSpread => _spread.Skip(1).DefaultIfEmpty(0).Max();

    /// <summary>How many parameters were predicted to be stuck.</summary>
    public int Stuck => _classes[0].Length;

    /// <summary>The farthest that a stuck parameter ever was from its start.</summary>
    public double StuckMovement => _spread[0];

    /// <summary>The first step after which two members of a class differed at all, and which class; null if none did.</summary>
    public (int Step, int Class)? FirstDifference =>
        Enumerable.Range(1, Classes).Where(number => _firstApart[number] > 0).Select(number => (_firstApart[number], number)).OrderBy(pair => pair).Select(pair => ((int, int)?)pair).FirstOrDefault();

    /// <summary>Classes that had the same start value as others, by the first step after which they were apart from all of them; 0 for never.</summary>
    public IReadOnlyDictionary<int, int> Separations =>
        Enumerable.Range(1, Classes).Where(number => _hadCompany.Contains(number)).ToDictionary(number => number, number => _separated[number]);

    HashSet<int> _hadCompany = [];

    /// <summary>The first step at which a class moved; 0 if it did not.</summary>
    public int FirstMoved(int number) => _firstMoved[number];

    /// <summary>How far a class was from its start after the first step that moved it; 0 if none did.</summary>
    public double EarliestMovement(int number) => _firstMovement[number];

    /// <summary>The first step predicted for a class.</summary>
    public int Predicted(int number) => _partition.FirstSteps[number];

    /// <summary>A class by its first member, for instance <c>fc1.weight[0,2]</c>.</summary>
    public string Name(int number)
    {
        var first = _classes[number][0];
        return Element(first.Tensor, first.Index);
    }

    /// <summary>The largest distance there ever was between members of a class.</summary>
    public double SpreadOf(int number) => _spread[number];

    /// <summary>The number of members of a class.</summary>
    public int Members(int number) => _classes[number].Length;

    /// <summary>Classes that moved before they could, or at another step than predicted, or not at all within the run.</summary>
    public IReadOnlyList<int> Earlier => [.. Enumerable.Range(1, Classes).Where(number => _firstMoved[number] > 0 && _firstMoved[number] < _partition.FirstSteps[number])];

    /// <summary>Classes that moved later than predicted, or not within the run.</summary>
    public IReadOnlyList<int> Later => [.. Enumerable.Range(1, Classes).Where(number => _firstMoved[number] == 0 || _firstMoved[number] > _partition.FirstSteps[number])];

    internal void Take(int step, double? loss, ITrajectory trajectory, bool isLast)
    {
        if (_hadCompany.Count == 0) _hadCompany = [.. _together.SelectMany(group => group)];
        double spread = 0;
        for (var number = 1; number < _classes.Length; number++)
        {
            var here = Spread(number, trajectory);
            if (here > 0 && _firstApart[number] == 0) _firstApart[number] = step;
            if (here > _spread[number]) _spread[number] = here;
            spread = Math.Max(spread, here);
            if (_firstMoved[number] != 0) continue;
            var movement = _classes[number].Max(member => trajectory.Movement(member.Parameter));
            if (movement > 0) (_firstMoved[number], _firstMovement[number]) = (step, movement);
        }

        var moved = _classes[0].Length == 0 ? 0 : _classes[0].Max(member => trajectory.Movement(member.Parameter));
        _spread[0] = Math.Max(_spread[0], moved);
        Separate(step, trajectory);
        if (step % _every != 0 && step != 1 && !isLast) return;
        if (_steps.Count >= MostStepsRecorded)
        {
            // Every other one, so that however long the run, its record stays small and even.
            _every *= 2;
            _steps.RemoveAll(recorded => recorded.Step % _every != 0 && recorded.Step != 1);
            if (step % _every != 0 && !isLast) return;
        }

        _steps.Add(new StepRecord(
            step, loss, spread, moved, Classes - _together.Sum(group => group.Count - 1),
            [.. Recorded.Select(number => (float)Spread(number, trajectory))],
            trajectory.IsExact ? [] : [.. Lines.Select(line => (float)trajectory.Value(line.Parameter))]));
    }

    double Spread(int number, ITrajectory trajectory)
    {
        var members = _classes[number];
        double spread = 0;
        for (var k = 1; k < members.Length; k++)
            spread = Math.Max(spread, trajectory.Distance(members[0].Parameter, members[k].Parameter, members[0].Sign * members[k].Sign));
        return spread;
    }

    // Classes that are still where others are, up to sign, stay with them.
    void Separate(int step, ITrajectory trajectory)
    {
        for (var k = _together.Count - 1; k >= 0; k--)
        {
            var parts = new List<List<int>>();
            foreach (var number in _together[k])
            {
                var home = parts.Find(part => AreTogether(part[0], number, trajectory));
                if (home is null) parts.Add([number]);
                else home.Add(number);
            }

            if (parts.Count == 1) continue;
            _together.RemoveAt(k);
            foreach (var part in parts)
            {
                if (part.Count == 1) _separated[part[0]] = step;
                else _together.Add(part);
            }
        }
    }

    bool AreTogether(int one, int other, ITrajectory trajectory)
    {
        int a = _classes[one][0].Parameter, b = _classes[other][0].Parameter;
        var distance = Math.Min(trajectory.Distance(a, b, 1), trajectory.Distance(a, b, -1));
        return distance <= _tolerance * Math.Max(Math.Abs(trajectory.Value(a)), Math.Abs(trajectory.Value(b)));
    }

    double Start(int number)
    {
        var first = _classes[number][0];
        Span<double> value = stackalloc double[1];
        Model.Parameters[first.Tensor].Start.ReadNearest(first.Index, value);
        return Math.Abs(value[0]);
    }

    string Element(int tensor, int index)
    {
        var parameter = Model.Parameters[tensor];
        if (parameter.Shape.Rank == 0) return parameter.Name;
        var strides = parameter.Shape.Strides();
        return $"{parameter.Name}[{string.Join(",", strides.Select((stride, axis) => index / stride % parameter.Shape[axis]))}]";
    }

    readonly record struct Member(int Parameter, int Tensor, int Index, int Sign);
}

/// <summary>The state after one step.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">The loss of its batch before the step; null in the exact mode.</param>
/// <param name="Spread">The largest distance within a class.</param>
/// <param name="Stuck">The largest distance of a stuck parameter from its start.</param>
/// <param name="Apart">How many classes could be told apart.</param>
/// <param name="Spreads">The spread of each recorded class.</param>
/// <param name="Values">The value of each recorded parameter; empty in the exact mode.</param>
public sealed record StepRecord(int Step, double? Loss, double Spread, double Stuck, int Apart, IReadOnlyList<float> Spreads, IReadOnlyList<float> Values);
