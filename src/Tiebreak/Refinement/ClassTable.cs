namespace Tiebreak.Refinement;

/// <summary>Gives a number, from 1, to each distinct key (magnitude of the start value, canonical gradient). Open addressing over exact keys.</summary>
sealed class ClassTable
{
    (ulong Start, ulong Gradient, int Class)[] _slots = new (ulong, ulong, int)[1 << 10];
    int _mask = (1 << 10) - 1;
    (ulong Start, ulong Gradient, int Class) _last;

    public int Count { get; private set; }

    public int ClassOf(ulong start, ulong gradient)
    {
        if (_last.Class != 0 && _last.Gradient == gradient && _last.Start == start) return _last.Class;
        var slot = Hash(start, gradient) & _mask;
        while (_slots[slot].Class != 0)
        {
            if (_slots[slot].Gradient == gradient && _slots[slot].Start == start) return (_last = _slots[slot]).Class;
            slot = (slot + 1) & _mask;
        }

        _last = (start, gradient, checked(++Count));
        _slots[slot] = _last;
        if (Count > _slots.Length / 2) Grow();
        return Count;
    }

    void Grow()
    {
        var old = _slots;
        _slots = new (ulong, ulong, int)[checked(old.Length * 2)];
        _mask = _slots.Length - 1;
        foreach (var entry in old)
        {
            if (entry.Class == 0) continue;
            var slot = Hash(entry.Start, entry.Gradient) & _mask;
            while (_slots[slot].Class != 0) slot = (slot + 1) & _mask;
            _slots[slot] = entry;
        }
    }

    static int Hash(ulong start, ulong gradient)
    {
        var x = (start * 0x9E3779B97F4A7C15 ^ gradient) * 0xD6E8FEB86659FD93;
        return (int)(x >> 33);
    }
}
