using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>What rounds need in the size of the model, kept from one to the next: fresh memory costs as much as a round.</summary>
sealed class RoundMemory
{
    readonly Dictionary<int, int[]> _spare = [];
    readonly List<ulong[]> _gradientOfClass = []; // for each lane
    ulong[] _keys = [];
    ClassTable? _table;

    public StartValues StartValues { get; } = new();

    /// <summary>One entry for each class up to the given number, all with the given value; one such array for each lane.</summary>
    public ulong[] GradientOfClass(int classes, ulong value, int lane = 0)
    {
        while (_gradientOfClass.Count <= lane) _gradientOfClass.Add([]);
        var gradients = _gradientOfClass[lane];
        if (gradients.Length <= classes) _gradientOfClass[lane] = gradients = HugePages.NewArray<ulong>(checked(classes + classes / 4 + 1));
        gradients.AsSpan(0, classes + 1).Fill(value);
        return gradients;
    }

    /// <summary>Room for the keys of the start values of a piece of a tensor.</summary>
    public Span<ulong> Keys(int length)
    {
        if (_keys.Length < length) _keys = new ulong[length];
        return _keys.AsSpan(0, length);
    }

    /// <summary>A table without classes.</summary>
    public ClassTable EmptyTable()
    {
        if (_table is null) _table = new ClassTable();
        else _table.Clear();
        return _table;
    }

    /// <summary>A copy of a tensor's codes, in an array given back before if there is one.</summary>
    public int[] CopyOf(int[] codes, int tensor)
    {
        if (!_spare.Remove(tensor, out var copy)) copy = HugePages.NewArray<int>(codes.Length);
        codes.CopyTo(copy, 0);
        return copy;
    }

    /// <summary>Gives back an array of codes that no state uses any more.</summary>
    public void Spare(int[] codes, int tensor) => _spare[tensor] = codes;

    /// <summary>Drops what only rounds need; verifications want the gradients of classes again.</summary>
    public void Release()
    {
        _spare.Clear();
        _table = null;
    }
}
