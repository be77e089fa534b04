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
sealed unsafe class ClassTable
{
    const int Smallest = 1 << 12;
    const int ChunkBits = 16;
    const int ChunkMask = (1 << ChunkBits) - 1;

    readonly List<(ulong Start, ulong Gradient)[]> _keys = [new (ulong, ulong)[1 << ChunkBits]]; // of each class; in chunks, so that growing copies nothing
    ulong[] _slots = new ulong[Smallest]; // hash in the upper half, class in the lower; 0 is empty
    int _shift = 64 - BitOperations.Log2(Smallest);
    (ulong Start, ulong Gradient) _lastKey;
    int _last;

    /// <summary>The number of classes.</summary>
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
    public void ClassesOf(ReadOnlySpan<ulong> starts, ReadOnlySpan<ulong> gradients, Span<int> classes)
    {
        const int SlotAhead = 32, KeyAhead = 16;
        var fetch = Sse.IsSupported && _slots.Length > 1 << 16;
        for (var i = 0; i < starts.Length; i++)
        {
            if (fetch && i + SlotAhead < starts.Length)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref SlotOf(Hash((starts[i + SlotAhead], gradients[i + SlotAhead])))));
                Sse.Prefetch0(Unsafe.AsPointer(ref Key((int)SlotOf(Hash((starts[i + KeyAhead], gradients[i + KeyAhead]))))));
            }

            classes[i] = ClassOf((starts[i], gradients[i]));
        }
    }

    int ClassOf((ulong Start, ulong Gradient) key)
    {
        if (_last != 0 && _lastKey == key) return _last;
        _lastKey = key;
        var hash = Hash(key);
        var mask = _slots.Length - 1;
        var slot = (int)(hash >> _shift);
        while (_slots[slot] != 0)
        {
            var candidate = (int)_slots[slot];
            if ((uint)(_slots[slot] >> 32) == (uint)hash && Key(candidate) == key) return _last = candidate;
            slot = (slot + 1) & mask;
        }

        _last = checked(++Count);
        if (Count >> ChunkBits == _keys.Count) _keys.Add(new (ulong, ulong)[1 << ChunkBits]);
        Key(Count) = key;
        _slots[slot] = hash << 32 | (uint)Count;
        if (Count > _slots.Length / 4 * 3) Grow();
        return Count;
    }

    ref (ulong Start, ulong Gradient) Key(int number) => ref _keys[number >> ChunkBits][number & ChunkMask];

    ref ulong SlotOf(ulong hash) => ref _slots[(int)(hash >> _shift)];

    // Large tables only double: their memory is dearer than the time to fill them again.
    void Grow()
    {
        const int Ahead = 32;
        var bits = _slots.Length < 1 << 20 ? 2 : 1;
        var slots = _slots = HugePages.NewArray<ulong>(checked(_slots.Length << bits));
        _shift -= bits;
        for (var k = 1; k <= Count; k++)
        {
            if (Sse.IsSupported && k + Ahead <= Count) Sse.Prefetch0(Unsafe.AsPointer(ref SlotOf(Hash(Key(k + Ahead)))));
            var hash = Hash(Key(k));
            var slot = (int)(hash >> _shift);
            while (slots[slot] != 0) slot = (slot + 1) & slots.Length - 1;
            slots[slot] = hash << 32 | (uint)k;
        }
    }

    static ulong Hash((ulong Start, ulong Gradient) key)
    {
        var x = (key.Start * 0x9E3779B97F4A7C15 ^ key.Gradient) * 0xD6E8FEB86659FD93;
        return (x ^ x >> 32) * 0x9FB21C651E98DF25;
    }
}
