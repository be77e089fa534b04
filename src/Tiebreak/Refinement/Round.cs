using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>Theory §3, step 3: the gradient at a random point of a state decides the next state. Gradients arrive in pieces, tensor by tensor.</summary>
sealed class Round<TField>(TField field, State before, int number, StartValues startValues) where TField : struct, IField
{
    readonly ClassTable _classes = new(ExpectedClasses(before));
    const ulong OldClass = 1UL << 63; // no magnitude of a start value has this bit

    readonly List<int> _firstSteps = [0];
    readonly int[][] _codes = new int[before.Codes.Length][];
    ulong[] _starts = [];
    ulong[] _gradients = [];
    int[] _moving = []; // position in the piece, complemented where the sign is negative
    int[] _next = [];

    /// <summary>Takes gradients of a parameter from <paramref name="start"/> on.</summary>
    public void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
    {
        var tensor = before.IndexOf(name);
        var old = before.Codes[tensor].AsSpan((int)start, gradients.Length);
        var codes = (_codes[tensor] ??= HugePages.NewArray<int>(before.Codes[tensor].Length)).AsSpan((int)start, gradients.Length);
        if (_starts.Length < gradients.Length)
            (_starts, _gradients, _moving, _next) = (new ulong[gradients.Length], new ulong[gradients.Length], new int[gradients.Length], new int[gradients.Length]);
        startValues.Read(before.Model.Parameters[tensor].Start, start, _starts.AsSpan(0, gradients.Length));

        var half = field.Modulus / 2;
        var moving = 0;
        for (var i = 0; i < gradients.Length; i++)
        {
            var gradient = gradients[i];
            var was = old[i];
            if (was == 0 && gradient == 0) continue; // stays stuck

            // What moved already keeps its class or splits from it, under the sign it has. What begins to move has the sign of its start value, or from 0 that of its
            // gradient, up to a common one. Intersecting with the state before is not needed where the gradient is smooth (theory §3), but at a kink
            // the framework's choice may separate in one step what looks symmetric ever after.
            var key = was != 0 ? OldClass | (uint)Math.Abs(was) : StartValues.Magnitude(_starts[i]);
            var negative = was != 0 ? was < 0 : _starts[i] == 0 ? gradient > half : StartValues.IsNegative(_starts[i]);
            if (negative && gradient != 0) gradient = field.Modulus - gradient;
            _moving[moving] = negative ? ~i : i;
            _starts[moving] = key;
            _gradients[moving++] = gradient;
        }

        _classes.ClassesOf(_starts.AsSpan(0, moving), _gradients.AsSpan(0, moving), _next);
        for (var k = 0; k < moving; k++)
        {
            var negative = _moving[k] < 0;
            var i = negative ? ~_moving[k] : _moving[k];
            var next = _next[k];
            if (next == _firstSteps.Count) _firstSteps.Add(old[i] == 0 ? number : before.FirstSteps[Math.Abs(old[i])]);
            codes[i] = negative ? -next : next;
        }
    }

    // Each state refines the one before; and numbers that were drawn are all different, so the first round may as well make room for them.
    static int ExpectedClasses(State before)
    {
        var drawn = before.Model.Parameters.Where(parameter => parameter.Start is not UniformTensor).Sum(parameter => parameter.Shape.Count);
        return (int)Math.Max(before.Classes, before.Classes == 0 ? Math.Min(drawn, 1 << 26) : 0);
    }

    /// <summary>The next state, once all gradients are in. A parameter that got none has gradient zero: it was stuck and stays so.</summary>
    public State Next()
    {
        for (var tensor = 0; tensor < _codes.Length; tensor++) _codes[tensor] ??= HugePages.NewArray<int>(before.Codes[tensor].Length);
        return new State(before.Model, _codes, _firstSteps);
    }
}

/// <summary>Checks that a gradient at a random point of a state has the state's own pattern: zero where stuck, equal up to sign within each class.</summary>
sealed class Verification<TField>(TField[] fields, State state) where TField : struct, IField
{
    const ulong Unknown = ulong.MaxValue;
    readonly ulong[][] _gradientOf = [.. fields.Select(_ => NewTable(state.Classes + 1))];

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

    static ulong[] NewTable(int count)
    {
        var table = HugePages.NewArray<ulong>(count);
        Array.Fill(table, Unknown);
        return table;
    }
}
