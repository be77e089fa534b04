namespace Tiebreak.Proofs;

/// <summary>A class that training was seen to move and to tell apart from all others that start with the same magnitude.</summary>
/// <param name="Class">Its number in the partition.</param>
/// <param name="Run">The training run, from 1.</param>
/// <param name="Step">The step of that run after which it was so.</param>
public readonly record struct WitnessedSplit(int Class, int Run, int Step);

/// <summary>One training run, step by step, from the real start.</summary>
interface ITrainingRun
{
    /// <summary>Takes one step; false if the run cannot go on (a division by zero, overflow, too much noise).</summary>
    bool Advance(int step);

    /// <summary>Whether a class is clearly away from its start now.</summary>
    bool HasMoved(int number);

    /// <summary>Gives members of a block one cluster unless they are clearly apart now, both as equal and as opposite. Clusters count from 0.</summary>
    void Cluster(int[] block, Span<int> clusters);
}

/// <summary>
/// What training has shown so far: which classes moved, and blocks of classes that nothing has told apart yet. It begins with one block for each start magnitude, and only ever
/// splits, so what is left open at the end is what no run could show.
/// </summary>
sealed class Separation
{
    readonly (int Run, int Step)[] _moved; // run 0: not yet
    readonly (int Run, int Step)[] _apart; // the last time that something left its block, or it left one
    readonly bool[] _isAlone;
    List<int[]> _open = [];
    List<int> _unmoved;

    public Separation(ClassStarts starts)
    {
        var classes = starts.Partition.Classes;
        _moved = new (int, int)[classes + 1];
        _apart = new (int, int)[classes + 1];
        _isAlone = new bool[classes + 1];
        _unmoved = [.. Enumerable.Range(1, classes)];
        foreach (var block in _unmoved.GroupBy(number => starts.Magnitudes[number])) Keep([.. block], _open);
    }

    /// <summary>Blocks of two or more classes that are not told apart.</summary>
    public IReadOnlyList<int[]> Open => _open;

    /// <summary>Classes that were never seen to move.</summary>
    public IReadOnlyList<int> Unmoved => _unmoved;

    public bool IsComplete => _open.Count == 0 && _unmoved.Count == 0;

    public bool HasMoved(int number) => _moved[number].Run > 0;

    /// <summary>The classes that moved and stand alone, each with the step at which the last of that was seen.</summary>
    public IReadOnlyList<WitnessedSplit> Splits()
    {
        var splits = new List<WitnessedSplit>();
        for (var number = 1; number < _moved.Length; number++)
        {
            if (!_isAlone[number] || !HasMoved(number)) continue;
            var (run, step) = _moved[number].CompareTo(_apart[number]) > 0 ? _moved[number] : _apart[number];
            splits.Add(new WitnessedSplit(number, run, step));
        }

        return splits;
    }

    /// <summary>Learns from the state of a run after a step.</summary>
    public void Observe(ITrainingRun training, int run, int step)
    {
        foreach (var number in _unmoved)
            if (training.HasMoved(number)) _moved[number] = (run, step);
        _unmoved = [.. _unmoved.Where(number => !HasMoved(number))];

        var open = new List<int[]>(_open.Count);
        foreach (var block in _open)
        {
            var clusters = new int[block.Length];
            training.Cluster(block, clusters);
            if (!clusters.AsSpan().ContainsAnyExcept(clusters[0]))
            {
                open.Add(block);
                continue;
            }

            foreach (var number in block) _apart[number] = (run, step);
            foreach (var part in block.Zip(clusters).GroupBy(pair => pair.Second, pair => pair.First)) Keep([.. part], open);
        }

        _open = open;
    }

    void Keep(int[] block, List<int[]> open)
    {
        if (block.Length > 1) open.Add(block);
        else _isAlone[block[0]] = true;
    }
}
