using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// Theory §3, step 3: the gradient at a random point of a state decides the next state. Gradients arrive in pieces, tensor by tensor.
/// A class keeps its number and its first member; members whose gradient differs, and parameters that begin to move, get new numbers. So where nothing
/// changes, nothing is written, and a round costs a comparison for each parameter.
/// </summary>
sealed class Round<TField>(TField field, State before, int number, RoundMemory memory) where TField : struct, IField
{
    const ulong OldClass = 1UL << 63; // no magnitude of a start value has this bit
    const ulong Unknown = ulong.MaxValue;

    readonly int[]?[] _changed = new int[before.Codes.Length][];
    readonly ulong[] _gradientOf = memory.GradientOfClass(before.Classes, Unknown);
    readonly ClassTable _table = memory.EmptyTable();
    readonly List<int> _numberOf = [0]; // of each new class in the table
    readonly List<int> _firstSteps = before.FirstSteps;
    ulong[] _starts = [];
    ulong[] _gradients = [];
    int[] _places = []; // in the piece, complemented where the sign is negative
    int[] _found = [];

    /// <summary>Whether any parameter began to move or left its class.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Whether any parameter that was stuck began to move.</summary>
    public bool HasAwoken { get; private set; }

    /// <summary>Whether anything changed in one of the given tensors.</summary>
    public bool HasChangedIn(IReadOnlyCollection<int> tensors) => tensors.Any(tensor => _changed[tensor] is not null);

    /// <summary>Takes gradients of a parameter from <paramref name="start"/> on.</summary>
    public void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
    {
        var tensor = before.IndexOf(name);
        var old = before.Codes[tensor].AsSpan((int)start, gradients.Length);
        if (_starts.Length < gradients.Length)
            (_starts, _gradients, _places, _found) = (new ulong[gradients.Length], new ulong[gradients.Length], new int[gradients.Length], new int[gradients.Length]);

        var half = field.Modulus / 2;
        var leaving = 0;
        var keysAreRead = false;
        for (var i = 0; i < gradients.Length; i++)
        {
            var gradient = gradients[i];
            var was = old[i];
            ulong key;
            bool negative;
            if (was == 0)
            {
                if (gradient == 0) continue; // stays stuck
                if (!keysAreRead) memory.StartValues.Read(before.Model.Parameters[tensor].Start, start, memory.Keys(gradients.Length));
                keysAreRead = true;

                // What begins to move has the sign of its start value, or from 0 that of its gradient, up to a common one.
                var value = memory.Keys(gradients.Length)[i];
                key = StartValues.Magnitude(value);
                negative = value == 0 ? gradient > half : StartValues.IsNegative(value);
                if (negative) gradient = field.Modulus - gradient;
            }
            else
            {
                // What moved keeps its class or splits from it, under the sign it has. Looking at the class before is not needed where the gradient is smooth
                // (theory §3), but at a kink the framework's choice may separate in one step what looks symmetric ever after.
                negative = was < 0;
                if (negative) (was, gradient) = (-was, field.Negate(gradient));
                ref var known = ref _gradientOf[was];
                if (known == Unknown) known = gradient;
                if (known == gradient) continue;
                key = OldClass | (uint)was;
            }

            _places[leaving] = negative ? ~i : i;
            _starts[leaving] = key;
            _gradients[leaving++] = gradient;
        }

        if (leaving > 0) Move(tensor, start, old, leaving);
    }

    void Move(int tensor, long start, ReadOnlySpan<int> old, int leaving)
    {
        HasChanged = true;
        var codes = (_changed[tensor] ??= memory.CopyOf(before.Codes[tensor], tensor)).AsSpan((int)start, old.Length);
        _table.ClassesOf(_starts.AsSpan(0, leaving), _gradients.AsSpan(0, leaving), _found);
        for (var k = 0; k < leaving; k++)
        {
            var negative = _places[k] < 0;
            var i = negative ? ~_places[k] : _places[k];
            HasAwoken |= old[i] == 0;
            if (_found[k] == _numberOf.Count)
            {
                _numberOf.Add(_firstSteps.Count);
                _firstSteps.Add(old[i] == 0 ? number : _firstSteps[Math.Abs(old[i])]);
            }

            var next = _numberOf[_found[k]];
            codes[i] = negative ? -next : next;
        }
    }

    /// <summary>The next state, once all gradients are in; the one before is used up. A parameter that got no gradient stays as it was.</summary>
    public State Next()
    {
        var codes = new int[_changed.Length][];
        var borrowed = new bool[_changed.Length];
        for (var tensor = 0; tensor < codes.Length; tensor++)
        {
            codes[tensor] = _changed[tensor] ?? before.Codes[tensor];
            borrowed[tensor] = _changed[tensor] is null && before.Borrows(tensor);
            if (_changed[tensor] is not null && !before.Borrows(tensor)) memory.Spare(before.Codes[tensor], tensor);
        }

        return new State(before.Model, codes, _firstSteps, borrowed) { Gates = HasAwoken || (HasChanged && !before.Gates.IsOfStuck) ? default : before.Gates };
    }
}

/// <summary>Checks that a gradient at a random point of a state has the state's own pattern: zero where stuck, equal up to sign within each class.</summary>
sealed class Verification<TField>(TField[] fields, State state, RoundMemory memory) where TField : struct, IField
{
    const ulong Unknown = ulong.MaxValue;
    readonly ulong[][] _gradientOf = [.. fields.Select((_, lane) => memory.GradientOfClass(state.Classes, Unknown, lane))];

    public TField[] Fields => fields;

    /// <summary>The name of the first tensor whose gradient has another pattern, or null.</summary>
    public string? Violation { get; private set; }

    public void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
    {
        if (Violation is not null) return;
        var field = fields[lane];
        var known = _gradientOf[lane];
        var codes = state.Codes[state.IndexOf(name)].AsSpan((int)start, gradients.Length);
        for (var i = 0; i < gradients.Length; i++)
        {
            var code = codes[i];
            var gradient = gradients[i];
            if (code == 0)
            {
                if (gradient == 0) continue;
                Violation = name;
                return;
            }

            if (code < 0) (code, gradient) = (-code, field.Negate(gradient));
            if (known[code] == Unknown) known[code] = gradient;
            if (known[code] == gradient) continue;
            Violation = name;
            return;
        }
    }
}
