using Tiebreak.Formats.Onnx.Lowering;

namespace Tiebreak.Formats.Onnx;

/// <summary>The values that nodes of one graph have made so far; those of the graphs around it are seen, too.</summary>
sealed class Scope(Scope? outer)
{
    readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);

    /// <summary>How many graphs lie around this one.</summary>
    public int Depth { get; } = outer is null ? 0 : outer.Depth + 1;

    /// <summary>A value by name, from the innermost graph that has it; null if none has.</summary>
    public Value? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (scope._values.TryGetValue(name, out var value)) return value;
        return null;
    }

    /// <summary>Names a value; false if the name is taken in this graph.</summary>
    public bool TryAdd(string name, Value value) => _values.TryAdd(name, value);

    /// <summary>Names a value whether the name is taken or not, and returns it.</summary>
    public Value Set(string name, Value value) => _values[name] = value;

    Scope? Outer => outer;
}
