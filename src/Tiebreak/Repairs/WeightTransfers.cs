using System.Globalization;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs;

/// <summary>Amounts moved from one weight to another, such that both hold exactly and their sum (or difference, where one counts negatively) stays.</summary>
sealed class WeightTransfers
{
    const int Attempts = 24;
    const double Share = 0.5; // of a weight that is moved at most
    const int Digits = 1000; // of a decimal amount

    readonly ParameterTensor _parameter;
    readonly RandomNumbers _random;
    readonly Rational[] _exact; // for formulas
    readonly double[] _values; // for files of floats
    readonly FloatFormat? _format;
    readonly double _usual; // what a weight of this tensor usually is
    readonly HashSet<int> _changed = [];
    ulong _draws;

    /// <summary>Begins with the start values.</summary>
    public WeightTransfers(ParameterTensor parameter, RepairSetting setting)
    {
        _parameter = parameter;
        _random = new RandomNumbers(setting.Random(parameter, "split"));
        _format = setting.StoredAs(parameter);
        _values = new double[parameter.Shape.Count];
        parameter.Start.ReadNearest(0, _values);
        _exact = _format is null ? [.. Enumerable.Range(0, _values.Length).Select(k => parameter.Start[k])] : [];
        _usual = 1 / Math.Sqrt(Math.Max(1, Fans.Of(parameter).In));
    }

    /// <summary>How many weights were changed.</summary>
    public long Count => _changed.Count;

    /// <summary>The weights by now.</summary>
    public ExactTensor Values => _format is null ? new RationalTensor(_exact) : new DoubleTensor(_values);

    /// <summary>Moves amounts within each class of slices along an axis, from each to the next, differently at every place.</summary>
    public void Along(int axis, AxisFold fold)
    {
        var shape = _parameter.Shape;
        var stride = shape.Strides()[axis];
        var lines = shape.Count / shape[axis];
        foreach (var members in Enumerable.Range(0, shape[axis]).Where(place => fold.To[place] >= 0).GroupBy(place => fold.To[place]).Select(group => group.ToArray()).Where(group => group.Length > 1))
        {
            for (var line = 0; line < lines; line++)
            {
                var start = line / stride * stride * shape[axis] + line % stride;
                // What a unit has once it has given to the next stays; so that is the time to be different from all before it.
                var taken = new HashSet<double>();
                for (var k = 0; k + 1 < members.Length; k++)
                {
                    int one = start + members[k] * stride, other = start + members[k + 1] * stride;
                    var isOpposite = fold.IsNegative[members[k]] != fold.IsNegative[members[k + 1]];
                    bool IsNew() => !taken.Contains(Math.Abs(_values[one])) && (k + 2 < members.Length || !taken.Contains(Math.Abs(_values[other])) && Math.Abs(_values[one]) != Math.Abs(_values[other]));
                    if (!Move(this, one, this, other, isOpposite, IsNew)) Move(this, one, this, other, isOpposite);
                    taken.Add(Math.Abs(_values[one]));
                }
            }
        }
    }

    /// <summary>Moves an amount from one weight to another.</summary>
    public static void Between(WeightTransfers from, int one, WeightTransfers to, int other, bool isOpposite) => Move(from, one, to, other, isOpposite);

    /// <summary>Moves amounts between two tensors of one shape, place by place.</summary>
    public static void Between(WeightTransfers from, WeightTransfers to, bool isOpposite)
    {
        for (var k = 0; k < from._values.Length; k++) Move(from, k, to, k, isOpposite);
    }

    // An amount that both formats hold, and that leaves what is wanted, is looked for, smaller each time; where there is none the two weights stay.
    static bool Move(WeightTransfers from, int one, WeightTransfers to, int other, bool isOpposite, Func<bool>? isWanted = null)
    {
        var before = (from._values[one], to._values[other]);
        var largest = Math.Max(Math.Abs(from._values[one]), Math.Abs(to._values[other]));
        var scale = largest > 0 ? largest * Share : from._usual;
        for (var attempt = 0; attempt < Attempts; attempt++, scale *= 0.7)
        {
            var amount = scale * (0.25 + 0.75 * from._random.Unit(from._draws)) * (from._random.Unit(from._draws, 1) < 0.5 ? -1 : 1);
            from._draws++;
            if (from._format is null != to._format is null) return false;
            if (from._format is null)
            {
                var power = Math.Pow(10, Math.Floor(Math.Log10(scale)));
                if (!double.IsNormal(power / Digits)) return false; // nothing smaller is left to move
                var exact = Rational.Parse(Math.Round(amount / power * Digits).ToString("0", CultureInfo.InvariantCulture)) * Rational.Parse((power / Digits).ToString("R", CultureInfo.InvariantCulture));
                if (exact.IsZero) continue;
                var (given, got) = (from._exact[one] + exact, isOpposite ? to._exact[other] + exact : to._exact[other] - exact);
                (from._values[one], to._values[other]) = (given.ToDouble(), got.ToDouble());
                if (isWanted?.Invoke() == false)
                {
                    (from._values[one], to._values[other]) = before;
                    continue;
                }

                from.Set(one, given);
                to.Set(other, got);
                return true;
            }

            // The amount counts in units of the last place of the coarser weight.
            var unit = Math.Max(Unit(from._format.Value, largest > 0 ? largest : scale), Unit(to._format!.Value, largest > 0 ? largest : scale));
            amount = Math.Round(amount / unit) * unit;
            if (amount == 0) continue;
            var (left, right) = (Sum(from._format.Value, from._values[one], amount), Sum(to._format.Value, to._values[other], isOpposite ? amount : -amount));
            if (left is null || right is null) continue;
            (from._values[one], to._values[other]) = (left.Value, right.Value);
            if (isWanted?.Invoke() == false)
            {
                (from._values[one], to._values[other]) = before;
                continue;
            }

            from._changed.Add(one);
            to._changed.Add(other);
            return true;
        }

        return false;
    }

    void Set(int place, Rational value)
    {
        _exact[place] = value;
        _values[place] = value.ToDouble();
        _changed.Add(place);
    }

    // The exact sum, if the format holds it.
    static double? Sum(FloatFormat format, double value, double amount)
    {
        var sum = value + amount;
        var part = sum - value;
        return value - (sum - part) + (amount - part) == 0 && format.Round(sum) == sum ? sum : null;
    }

    static double Unit(FloatFormat format, double value)
    {
        var bits = format switch { FloatFormat.Float64 => 53, FloatFormat.Float32 => 24, FloatFormat.Float16 => 11, FloatFormat.BFloat16 => 8, _ => 3 };
        return Math.ScaleB(1, Math.ILogB(value) - bits + 2);
    }
}
