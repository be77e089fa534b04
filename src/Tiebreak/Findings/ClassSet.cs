namespace Tiebreak.Findings;

/// <summary>A set of class numbers, one bit each: there can be as many classes as parameters.</summary>
sealed class ClassSet(int classes)
{
    readonly ulong[] _bits = new ulong[(classes >> 6) + 1];

    /// <summary>Adds a class; says whether it was new.</summary>
    public bool Add(int number)
    {
        ref var word = ref _bits[number >> 6];
        var bit = 1UL << (number & 63);
        var isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    /// <summary>Takes a class out.</summary>
    public void Remove(int number) => _bits[number >> 6] &= ~(1UL << (number & 63));

    /// <summary>Whether a class is in.</summary>
    public bool Contains(int number) => (_bits[number >> 6] & 1UL << (number & 63)) != 0;
}
