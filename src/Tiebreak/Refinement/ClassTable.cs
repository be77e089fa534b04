using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// Gives a number, from 1, to each distinct key (magnitude of the start value or class before, normalised gradient). A hash table over exact keys: a slot holds a class
/// and 32 bits of its hash, so that other keys are passed over without looking at them; a randomly initialised network has a class for every parameter,
/// and each look costs a cache miss.
/// </summary>
sealed class ClassTable
{
    const int Smallest = 1 << 12;

    ulong[] _slots; // hash in the upper half, class in the lower; 0 is empty
    int _shift;
    ulong[] _starts;
    ulong[] _gradients;
    int _last;

    public ClassTable()
    {
        _slots = new ulong[Smallest];
        _shift = 64 - BitOperations.Log2(Smallest);
        _starts = new ulong[Smallest];
        _gradients = new ulong[Smallest];
    }

    public int Count { get; private set; }

    /// <summary>Forgets all classes; keeps the room.</summary>
    public void Clear()
    {
        if (Count > 0) _slots.AsSpan().Clear();
        (Count, _last) = (0, 0);
    }

    /// <summary>
    /// The classes of many keys. Looks ahead: where each key costs a cache miss, fetching the slots of the next ones meanwhile makes a table of
    /// 10⁷ classes several times faster.
    /// </summary>
    public unsafe void ClassesOf(ReadOnlySpan<ulong> starts, ReadOnlySpan<ulong> gradients, Span<int> classes)
    {
        const int SlotAhead = 32, KeyAhead = 16;
        var fetch = Sse.IsSupported && _slots.Length > 1 << 16;
        for (var i = 0; i < starts.Length; i++)
        {
            if (fetch && i + SlotAhead < starts.Length)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref _slots[(int)(Hash(starts[i + SlotAhead], gradients[i + SlotAhead]) >> _shift)]));
                var candidate = (int)_slots[(int)(Hash(starts[i + KeyAhead], gradients[i + KeyAhead]) >> _shift)];
                Sse.Prefetch0(Unsafe.AsPointer(ref _gradients[candidate]));
                Sse.Prefetch0(Unsafe.AsPointer(ref _starts[candidate]));
            }

            classes[i] = ClassOf(starts[i], gradients[i]);
        }
    }

    public int ClassOf(ulong start, ulong gradient)
    {
        if (_last != 0 && _gradients[_last] == gradient && _starts[_last] == start) return _last;
        var hash = Hash(start, gradient);
        var mask = _slots.Length - 1;
        var slot = (int)(hash >> _shift);
        while (_slots[slot] != 0)
        {
            var candidate = (int)_slots[slot];
            if ((uint)(_slots[slot] >> 32) == (uint)hash && _gradients[candidate] == gradient && _starts[candidate] == start) return _last = candidate;
            slot = (slot + 1) & mask;
        }

        _last = checked(++Count);
        if (Count >= _starts.Length)
        {
            _starts = Longer(_starts);
            _gradients = Longer(_gradients);
        }

        _starts[Count] = start;
        _gradients[Count] = gradient;
        _slots[slot] = hash << 32 | (uint)Count;
        if (Count > _slots.Length / 4 * 3) Grow();
        return Count;
    }

    unsafe void Grow()
    {
        const int Ahead = 32;
        var slots = _slots = HugePages.NewArray<ulong>(checked(_slots.Length * 4));
        _shift -= 2;
        for (var k = 1; k <= Count; k++)
        {
            if (Sse.IsSupported && k + Ahead <= Count)
                Sse.Prefetch0(Unsafe.AsPointer(ref slots[(int)(Hash(_starts[k + Ahead], _gradients[k + Ahead]) >> _shift)]));
            var hash = Hash(_starts[k], _gradients[k]);
            var slot = (int)(hash >> _shift);
            while (slots[slot] != 0) slot = (slot + 1) & slots.Length - 1;
            slots[slot] = hash << 32 | (uint)k;
        }
    }

    static ulong[] Longer(ulong[] keys)
    {
        var longer = HugePages.NewArray<ulong>(checked(keys.Length * 2));
        keys.CopyTo(longer, 0);
        return longer;
    }

    static ulong Hash(ulong start, ulong gradient)
    {
        var x = (start * 0x9E3779B97F4A7C15 ^ gradient) * 0xD6E8FEB86659FD93;
        return (x ^ x >> 32) * 0x9FB21C651E98DF25;
    }
}
